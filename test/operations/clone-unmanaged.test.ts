import { describe, expect, it } from 'vitest';
import clone from '../../src/operations/clone.js';
import type { CloneOptions } from '../../src/operations/shared/clone/seen.js';
import { SOURCE_ARCHIVE, SOURCE_INFO } from '../../src/operations/shared/restore/source.js';
import type { Inventory } from '../../src/model/index.js';
import type { HostStep, OperationRun } from '../../src/plan/operation.js';
import { BACKUP_INFO, type BackupInfo } from '../../src/resources/backup/info.js';
import { BACKUP_TIMERS } from '../../src/resources/backup/timers.js';
import { DATA_COPY } from '../../src/resources/data-copy.js';
import { DATA_DIRECTORY } from '../../src/resources/data-directory.js';
import { handle } from '../../src/resources/handle.js';
import { stoppedHandle } from '../../src/resources/patroni/stopped.js';
import { RESTORE_PLACE, type RestorePlace } from '../../src/resources/restore/place.js';
import { SOURCE_ACCESS } from '../../src/resources/restore/source-access.js';
import { STANDBY_COPY } from '../../src/resources/streaming/standby-copy.js';
import { STREAMING_SERVER } from '../../src/resources/streaming/server.js';
import { Secret } from '../../src/lib/secret.js';
import { contextOf, inventoryOf } from '../support/inventory.js';
import { runOver } from './run-seen.js';

const bucket = (directory: string): string =>
  `{repositories: {s3: {directory: ${directory}, s3: {bucket: b, endpoint: s3.example.com, region: eu, key: k, key_secret: s}}}}`;
const yaml = (cluster: string, hosts: string, roles: string, more = ''): string => `cluster: ${cluster}
hosts: {${hosts}}
roles: [base, pgdg, ${roles}, backup]
backup: ${bucket(`/${cluster}`)}
${more}`;

const DEMO_HOSTS = 'pg1: {address: 192.0.2.1}, pg2: {address: 192.0.2.2}';
const COPY_HOSTS = 'pg4: {address: 192.0.2.4}, pg5: {address: 192.0.2.5}';
const STREAMING = 'postgresql, replication';
const PATRONI = 'postgresql, replication, etcd, patroni';
const demo = await inventoryOf(yaml('demo', DEMO_HOSTS, STREAMING));
const copy = await inventoryOf(yaml('copy', COPY_HOSTS, STREAMING, 'leader: pg5\nreplication: {synchronous: [pg4, pg5]}\n'));
const one = await inventoryOf(yaml('one', 'pg4: {address: 192.0.2.4}', 'postgresql'));
const managed = { demo: await inventoryOf(yaml('demo', DEMO_HOSTS, PATRONI)), copy: await inventoryOf(yaml('copy', COPY_HOSTS, PATRONI)) };

const GIB = 1_073_741_824;
const NOW = Date.parse('2026-11-29T06:00:00Z') / 1000;
const INFO: BackupInfo = {
  code: 0,
  now: NOW,
  repositories: [{ repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7'] }],
  backups: [
    {
      ...{ label: '20261129-030000F', type: 'full', repository: 1, database: 1, start: NOW - 7200, stop: NOW - 7100 },
      ...{ size: GIB, delta: GIB, stored: GIB, timeline: 1, lsnStop: '0/5000', needs: [], error: false },
    },
  ],
  archives: [],
};
const OWN: BackupInfo = { ...INFO, repositories: [{ ...INFO.repositories[0], systemIdentifiers: ['9'] } as never], backups: [] };

interface Made {
  of?: Inventory;
  /** Nothing runs, and no data is in its place. */
  aside?: boolean;
  identity?: string;
  place?: Partial<RestorePlace>;
  access?: boolean;
  content?: string[] | undefined;
  done?: string[];
}

/** Servers of another cluster than the one whose backups are restored, of which the last is the primary. */
function seen(made: Made, options: CloneOptions = { latest: true }): OperationRun<CloneOptions> {
  const { of = copy, aside = false, identity = aside ? '' : 'old' } = made;
  const names = of.hosts.map(({ name }) => name);
  const restoring = names.at(-1);
  const states = names.map((name) => [
    name,
    {
      [DATA_DIRECTORY.id]: {
        ...{ kind: identity === '' ? 'empty' : 'cluster', version: '17', systemIdentifier: '9', copy: 'none', control: 'valid' },
        ...{
          clusterState: aside ? 'shut down' : 'in production',
          running: !aside,
          position: { timeline: 1 },
          history: { timeline: 1, forks: [] },
        },
      },
      [DATA_COPY.id]: {
        ...{ identity: identity === '' ? '' : `${name}-${identity}`, bytes: GIB, free: 10 * GIB, fixed: undefined },
        aside: aside ? { [`${name}-old`]: '/aside' } : {},
      },
      [STREAMING_SERVER.id]: {
        signal: name !== restoring && !aside,
        says: aside
          ? undefined
          : {
              ...{ standby: name !== restoring, timeline: 1, receives: name !== restoring },
              sends:
                name === restoring
                  ? names.filter((each) => each !== name).map((each) => ({ name: each, state: 'streaming', sync: 'sync' }))
                  : [],
            },
      },
      [STANDBY_COPY.id]: { joining: false, copying: false, copied: true },
      [stoppedHandle('postgresql@17-main').id]: { patroni: !aside, postgresql: !aside, enabled: !aside },
      [RESTORE_PLACE.id]: {
        ...{ restored: [], restoring: false, unrecovered: false, server: 'down', said: [], databases: [] },
        ...(name === restoring ? made.place : {}),
      },
      [handle('clone-content').id]: 'content' in made ? made.content : [],
      [BACKUP_INFO.id]: OWN,
      [BACKUP_TIMERS.id]: { active: [], held: [] },
      ...(name === restoring
        ? {
            [SOURCE_INFO.id]: INFO,
            [SOURCE_ARCHIVE.id]: [{ repository: 1, runs: [], last: NOW - 60 }],
            [SOURCE_ACCESS.id]: { present: made.access ?? false },
          }
        : {}),
    },
  ]);
  const run = { ...runOver(of, Object.fromEntries(states) as never, options, { done: made.done }), source: sourceOf(demo) };
  return options.id === undefined ? { ...run, options: clone.choose?.(run) ?? options } : run;
}

const sourceOf = (inventory: Inventory): NonNullable<OperationRun<CloneOptions>['source']> => ({
  inventory,
  credentials: { ...contextOf(inventory, 'pg1').credentials, generated: [] },
  client: { authority: 'A', certificate: 'C', key: new Secret('the-key-of-a-client') },
});

const CHOSEN: CloneOptions = {
  ...{ latest: true, id: 'R', member: 'pg5', set: '20261129-030000F', repository: 1, size: GIB, onto: 1, newest: 1 },
  ...{ identifier: '7', former: '9', was: { pg4: 'pg4-old', pg5: 'pg5-old' }, has: [] },
};

const steps = (run: OperationRun<CloneOptions>): HostStep[] => clone.remaining(run).steps as HostStep[];
const ids = (run: OperationRun<CloneOptions>): string[] => steps(run).map(({ id, on }) => `${id} ${on.join()}`);

describe('what is cloned into servers that Patroni does not run', () => {
  const problem = (inventory: Inventory, from: Inventory): string | undefined =>
    clone.problems?.({ ...seen({}), inventory, source: sourceOf(from), options: { latest: true } })[0]?.message;

  it.each<[string, Inventory, Inventory]>([
    ['servers that stream', copy, demo],
    ['a server of its own', one, demo],
  ])('may be other ones without it, into %s', (_title, into, from) => {
    expect(clone.streaming).toBe(true);
    expect(problem(into, from)).toBeUndefined();
  });

  it('is not a cluster that Patroni runs, and both are named', () => {
    const kept = 'what Patroni keeps in its data directories would count there';
    expect(problem(copy, managed.demo)).toBe(
      `demo is a cluster that Patroni runs, and copy is servers that stream without Patroni: ${kept}`,
    );
    expect(problem(one, managed.demo)).toBe(`demo is a cluster that Patroni runs, and one is a server of its own without Patroni: ${kept}`);
    expect(problem(managed.copy, demo)).toBeUndefined();
  });
});

describe('a clone into servers that stream without Patroni', () => {
  it('is restored to the one that the inventory has as the primary', () =>
    expect(seen({}).options).toMatchObject({ member: 'pg5', identifier: '7', former: '9', has: [] }));

  it('is foreseen in all its steps', () => {
    expect(ids(seen({}))).toEqual([
      'access pg5',
      'whole pg5',
      'stop-standbys pg4',
      'stop-leader pg5',
      'aside pg4,pg5',
      'restore pg5',
      'look pg5',
      'own pg5',
      'forget pg5',
      'configure pg5',
      'note pg4,pg5',
      'lead pg5',
      'slots pg5',
      'copy pg4',
      'others pg4',
      'joined pg4',
      'synchronous pg5',
      'stanza pg5',
      'backup-pg5 pg5',
    ]);
  });

  it('sees where its server would archive before anybody is let in', () => {
    const own = { restored: ['R.pg5-new', 'R.own'] };
    const run = seen({ aside: true, identity: 'new', place: own }, CHOSEN);
    expect(ids(run).slice(0, 2)).toEqual(['configure pg5', 'note pg4,pg5']);
    const scripts = (steps(run)[0]?.resources?.(run.contextOf('pg5')) ?? []).map((each) => each.probe({} as never).text).join('\n');
    expect(scripts).toContain('-C archive_command');
    expect(scripts).toContain('--stanza=copy archive-push');
  });

  it('gives the replication role its password, and no other role one', () => {
    const run = seen({ aside: true, identity: 'new', place: { restored: ['R.pg5-new'], server: 'open' }, access: true }, CHOSEN);
    const own =
      steps(run)
        .find(({ id }) => id === 'own')
        ?.resources?.(run.contextOf('pg5')) ?? [];
    expect(own.map(({ id }) => id)).toEqual(['private:pg-role:replicator', 'cloned-data:/var/lib/postgresql/17/main']);
  });

  it('refuses what is not empty, and what nobody can look at', () => {
    const objection = (content: string[] | undefined): string | undefined => clone.guards?.(seen({ content }))[0]?.message;
    expect(objection([])).toBeUndefined();
    expect(objection(['the database shop (9 MB)'])).toBe('copy is not empty: it has the database shop (9 MB)');
    expect(objection(undefined)).toContain('data that nobody can look at while no server takes writes');
  });
});

describe('a clone into a server of its own', () => {
  it('is foreseen in all its steps, and gives no role a password where there is none for replication', () => {
    const run = seen({ of: one });
    expect(ids(run)).toEqual([
      ...['access pg4', 'whole pg4', 'stop-leader pg4', 'aside pg4', 'restore pg4', 'look pg4', 'own pg4', 'forget pg4', 'configure pg4'],
      ...['note pg4', 'lead pg4', 'stanza pg4', 'backup-pg4 pg4'],
    ]);
    const own =
      steps(run)
        .find(({ id }) => id === 'own')
        ?.resources?.(run.contextOf('pg4')) ?? [];
    expect(own.map(({ id }) => id)).toEqual(['cloned-data:/var/lib/postgresql/17/main']);
  });
});
