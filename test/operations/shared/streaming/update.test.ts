import { describe, expect, it } from 'vitest';
import update from '../../../../src/operations/update.js';
import type { UpdateOptions } from '../../../../src/operations/shared/update/options.js';
import { PACKAGES_FETCHED } from '../../../../src/resources/versions/fetched.js';
import { PACKAGE_OFFERS } from '../../../../src/resources/versions/offers.js';
import { runningProgramHandle } from '../../../../src/resources/versions/running.js';
import { primary, standby, streaming } from '../../../roles/shared/streaming/scene.js';
import { inventoryOf } from '../../../support/inventory.js';
import type { Known } from '../../run-seen.js';
import { streamingRun, WELL, type MadeServer } from '../../streaming-run.js';

const inventory = await streaming();
const [WAS, IS] = ['17.5-1', '17.6-1'];
const targets = Object.fromEntries(['pg1', 'pg2', 'pg3'].map((host) => [host, { postgresql: { 'postgresql-17': IS } }]));
const former = Object.fromEntries(['pg1', 'pg2', 'pg3'].map((host) => [host, { 'postgresql-17': WAS }]));
const CHOSEN: UpdateOptions = { targets, former };

/** What a host has installed, and whether an older program runs. */
const has = (version: string, old: boolean, server: MadeServer): MadeServer => ({
  ...server,
  more: {
    ...server.more,
    [runningProgramHandle('postgresql').id]: { installed: { 'postgresql-17': version }, old },
    [PACKAGES_FETCHED.id]: { digest: '', kept: ['postgresql-17'] },
    [PACKAGE_OFFERS.id]: { packages: { 'postgresql-17': { installed: version, candidate: IS, versions: [IS, WAS], held: false } } },
  },
});
const all = (version: string, old: boolean, servers: Record<string, MadeServer> = WELL): Record<string, MadeServer> =>
  Object.fromEntries(Object.entries(servers).map(([name, server]) => [name, has(version, old, server)]));

const run = (servers: Record<string, MadeServer>, options: UpdateOptions = CHOSEN, known: Known = {}) =>
  streamingRun(inventory, servers, options, known);
const steps = (...of: Parameters<typeof run>): string[] => update.remaining(run(...of)).steps.map(({ id }) => id);
const back = (...of: Parameters<typeof run>): string[] => (update.back?.(run(...of)) ?? []).map(({ id }) => id);
const objections = (...of: Parameters<typeof run>): string[] => (update.guards?.(run(...of)) ?? []).map(({ message }) => message);

describe('pgprov update of servers that stream without Patroni', () => {
  it('chooses PostgreSQL alone, and takes the standbys first', () => {
    expect(update.choose?.(run(all(WAS, false), {}))).toEqual({ targets, former });
    expect(steps(all(WAS, false))).toEqual([
      'download',
      ...['pg2', 'pg3', 'pg1'].flatMap((name) => [`install-${name}`, `restart-${name}`]),
    ]);
  });

  it('restarts what runs with an older program than is installed, and nothing else', () => {
    expect(steps(all(IS, true))).toEqual(['restart-pg2', 'restart-pg3', 'restart-pg1']);
    expect(steps(all(IS, false))).toEqual([]);
  });

  it('leaves down what was stopped on purpose, with the new packages', () => {
    const servers = { ...all(WAS, false), pg3: has(WAS, false, { signal: true, unit: { held: true } }) };
    expect(steps(servers)).toEqual(['download', 'install-pg2', 'restart-pg2', 'install-pg3', 'install-pg1', 'restart-pg1']);
  });

  it('brings back first the primary that it has left down', () => {
    const servers = { ...all(IS, false), pg1: has(IS, false, {}) };
    expect(steps(servers, CHOSEN, { done: ['restart-pg1'] })).toEqual(['restart-pg1']);
    expect(objections(servers, CHOSEN, { done: ['restart-pg1'] })).toEqual([]);
    expect(objections(servers)).toEqual(['pg1, the primary, takes no connections']);
  });

  it('has a host go back on which the new version does not come up, or half of it is installed, and no other', () => {
    const servers = { ...all(IS, false), pg2: has(IS, false, { signal: true }) };
    expect(back(servers, CHOSEN, { done: ['restart-pg2'] })).toEqual(['return-pg2']);
    expect(back(all(IS, true), CHOSEN, { done: ['install-pg2'] })).toEqual([]);
    expect(back({ ...all(WAS, false), pg3: has('', false, standby()) }, CHOSEN, { done: ['install-pg3'] })).toEqual(['return-pg3']);
  });

  it('is refused while a standby does not stream, a restart is pending, or two are primaries', () => {
    expect(objections({ ...all(WAS, false), pg3: has(WAS, false, standby({ receives: false })) }, {})).toEqual([
      'pg3 does not stream: it receives nothing; while one server is down no other one is updated',
    ]);
    const waiting: MadeServer = { ...standby(), pending: [{ name: 'max_connections', from: '100', to: '200' }] };
    expect(objections({ ...all(WAS, false), pg2: has(WAS, false, waiting) }, {})[0]).toContain('PostgreSQL on pg2 waits for a restart');
    expect(objections({ ...all(WAS, false), pg3: has(WAS, false, primary()) }, {})[0]).toContain('both primaries');
    expect(objections(all(WAS, false), {})).toEqual([]);
  });

  it('is over when every server runs what is installed, and all stream', () => {
    const failing = (servers: Record<string, MadeServer>): string[] =>
      (update.checks?.(run(servers)) ?? []).filter(({ ok }) => ok === false).map(({ host, title }) => `${host ?? ''} ${title}`);
    expect(failing(all(IS, false))).toEqual([]);
    expect(failing({ ...all(IS, false), pg2: has(IS, true, standby()) })).toEqual(['pg2 PostgreSQL runs as it is installed']);
  });

  it('knows no Patroni there', () => {
    expect(update.problems?.(run(all(WAS, false), { packages: 'patroni' }))[0]?.message).toBe('--packages knows no patroni');
    expect(update.problems?.(run(all(WAS, false), {}))).toEqual([]);
  });
});

describe('pgprov update of a server that stands alone', async () => {
  const single = await inventoryOf('cluster: demo\nroles: [base, pgdg, postgresql]\nhosts:\n  pg1: 10.0.0.1\n');
  const chosen: UpdateOptions = { targets: { pg1: targets['pg1'] ?? {} }, former: { pg1: former['pg1'] ?? {} } };
  const alone = (server: MadeServer, options = chosen, known: Known = {}) => streamingRun(single, { pg1: server }, options, known);

  it('installs and restarts it, and says that nothing serves meanwhile', () => {
    const { steps: left } = update.remaining(alone(has(WAS, false, primary())));
    expect(left.map(({ id, title }) => [id, title])).toEqual([
      ['download', 'download the packages on pg1, and keep those that they replace'],
      ['install-pg1', 'install on pg1: postgresql-17 17.5-1 → 17.6-1; what runs goes on meanwhile'],
      ['restart-pg1', 'restart PostgreSQL on pg1'],
    ]);
    expect(left.at(-1)?.effect).toBe(
      'PostgreSQL on pg1 is down until it has restarted, and there is no other server: every connection is cut, reads and writes fail',
    );
  });

  it('brings it back where an interrupted one has left it down, and goes back where it does not come up', () => {
    const down = has(IS, false, {});
    const run = alone(down, chosen, { done: ['restart-pg1'] });
    expect(update.guards?.(run)).toEqual([]);
    expect(update.remaining(run).steps.map(({ id }) => id)).toEqual(['restart-pg1']);
    expect(update.back?.(run).map(({ id }) => id)).toEqual(['return-pg1']);
  });

  it.each<[string, MadeServer, string]>([
    ['it is down', has(WAS, false, {}), 'pg1 takes no connections'],
    ['it recovers', has(WAS, false, standby()), 'pg1 has no server that takes writes'],
    [
      'a setting waits for a restart',
      has(WAS, false, { ...primary(), pending: [{ name: 'max_connections', from: '100', to: '200' }] }),
      'PostgreSQL on pg1 waits for a restart that brings settings, which would come with the new version',
    ],
  ])('is refused while %s', (_, server, says) => {
    expect(update.guards?.(alone(server, {})).map(({ message }) => message)).toEqual([says]);
  });

  it('is over when it runs what is installed, and takes writes', () => {
    expect(update.checks?.(alone(has(IS, false, primary()))).map(({ title, ok }) => [title, ok])).toEqual([
      ['PostgreSQL runs as it is installed', true],
      ['the server takes writes', true],
    ]);
  });
});
