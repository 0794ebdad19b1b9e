import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import { CATALOG } from '../../../roles/index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { quorumElsewhere } from '../../../roles/shared/elsewhere.js';
import { renderConfig } from '../../../roles/shared/patroni/config-file.js';
import { quorumLost } from '../../../roles/shared/quorum.js';
import { STORES } from '../../../roles/shared/stores.js';
import { allObservations } from '../../../src/engine/survey.js';
import { DEFAULT_DCS } from '../../../src/model/index.js';
import { healthOf } from '../../../src/operations/shared/certificate-health.js';
import { buildHostWork } from '../../../src/plan/host-work.js';
import type { Role } from '../../../src/plan/role.js';
import { View } from '../../../src/plan/view.js';
import { DATA_DIRECTORY } from '../../../src/resources/data-directory.js';
import { DCS, type DcsState } from '../../../src/resources/dcs.js';
import { HOST_FACTS } from '../../../src/resources/host-facts.js';
import { INTERRUPTED_BOOTSTRAP } from '../../../src/resources/interrupted-bootstrap.js';
import type { Observation, Resource } from '../../../src/resources/resource.js';
import { sharedSections } from '../../../src/resources/shared-question.js';
import type { StuckConfigState } from '../../../src/resources/stuck-config.js';
import { freshDirectory } from '../../support/directory.js';
import { contextOf, inventoryOf, MATERIAL } from '../../support/inventory.js';
import { SHELF, shelfRole } from '../../support/made-up-store.js';
import { moved, observe, rewritten } from '../../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell } from '../../support/shells.js';

vi.mock('../../../roles/shared/stores.js', async (original) => {
  const { madeUpDcs } = await import('../../support/made-up-store.js');
  const { STORES: known } = await original<typeof import('../../../roles/shared/stores.js')>();
  return { STORES: [...known, madeUpDcs] };
});

const catalog = CATALOG.flatMap((role) => (role.name === 'patroni' ? [shelfRole, role] : [role]));
const ROLES = ['base', 'pgdg', 'postgresql', 'replication', 'shelf', 'patroni'];
const yaml = (count: number, roles: readonly string[] = ROLES): string =>
  `cluster: demo\nroles: [${roles.join(', ')}]\nhosts:\n${Array.from({ length: count }, (_, at) => `  pg${at + 1}: 10.0.0.${at + 1}\n`).join('')}`;
const inventory = await inventoryOf(yaml(3), catalog);
const context = contextOf(inventory, 'pg1');
const work = buildHostWork(catalog, context);
const patroni = catalog.find(({ name }) => name === 'patroni') as Role;
const stageOf = (id: string) => work.stages.find((stage) => stage.id === id)?.stage;
const NAMES = ['pg1', 'pg2', 'pg3'];

function viewOf(states: Readonly<Record<string, unknown>>): View {
  const facts = { os: 'debian', version: '13', memory: 2 ** 33 };
  return new View(inventory, new Map(NAMES.map((name) => [name, new Map(Object.entries({ [HOST_FACTS.id]: facts, ...states }))])));
}
const said = (states: Readonly<Record<string, unknown>>): string[] =>
  (patroni.guards?.(viewOf(states), MATERIAL) ?? []).map(({ message, hint }) => `${message} → ${hint}`);
const data = {
  kind: 'cluster',
  version: '17',
  systemIdentifier: '7',
  checksums: 1,
  clusterState: 'shut down',
  copy: 'none',
  ours: false,
  control: 'valid',
  running: false,
};
const store = (rest: Partial<Extract<DcsState, { reachable: true }>>): DcsState => ({
  reachable: true,
  initialize: undefined,
  leader: undefined,
  members: [],
  config: undefined,
  ...rest,
});

describe('the DCS roles of Patroni', () => {
  it('are the roles that declare a DCS, the usual one first', () => {
    expect(STORES.map(({ role }) => role)).toEqual(catalog.filter(({ isStore }) => isStore === true).map(({ name }) => name));
    expect(STORES[0].role).toBe(DEFAULT_DCS);
  });

  it('are distinguished by the roles of the hosts', async () => {
    expect(dcsOf(inventory).name).toBe('Shelf');
    expect(dcsOf(await inventoryOf(yaml(3, ['base', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni']))).name).toBe('etcd');
    expect(dcsOf(await inventoryOf('cluster: one\nroles: [base, pgdg, postgresql]\nhosts: {db: 10.0.0.1}\n')).name).toBe('etcd');
  });
});

describe('a second DCS', () => {
  it('gives patroni.yml its section, and Patroni what it requires for it', () => {
    const sections = parse(renderConfig(context, {})) as Record<string, unknown>;
    expect(Object.keys(sections)).toEqual([
      'scope',
      'namespace',
      'name',
      'restapi',
      'shelf',
      'bootstrap',
      'postgresql',
      'watchdog',
      'tags',
    ]);
    expect(sections['shelf']).toEqual({ file: '/srv/shelf/demo.json' });
    expect(patroni.install?.(context).packages).toEqual(['patroni', 'python3-psycopg2', 'python3-shelf']);
  });

  it('is the only one that its hosts are asked about', () => {
    const all = allObservations(work);
    const asked = [...sharedSections(all).map(({ body }) => body.text), ...all.map((each) => each.probe().text)];
    const waits = work.stages.flatMap(({ stage: { gates = [], proofs = [] } }) => [...gates, ...proofs.map(({ gate }) => gate)]);
    const texts = [...asked, ...waits.flatMap((each) => [each.title, each.wait().text])];
    expect(texts.length).toBeGreaterThan(50);
    expect(texts.filter((text) => /etcd/iu.test(text))).toEqual([]);
    expect(texts.filter((text) => text.includes('/srv/shelf')).length).toBeGreaterThan(0);
  });

  it('has its gates before Patroni starts, its proof after, and its fatal lines in the journal', () => {
    expect(stageOf('patroni/configure')?.gates?.map(({ title }) => title)).toEqual(['the shelf stands']);
    expect(stageOf('patroni/start')?.proofs?.map(({ on, gate }) => `${on}: ${gate.title}`)).toEqual(['pg1: pg1 reaches Shelf']);
    expect(stageOf('patroni/start')?.gates?.[0]?.wait().text).toContain('ShelfCollapsed');
  });

  it.each<{ title: string; states: Record<string, unknown>; objections: string[] }>([
    {
      title: 'knows another database',
      states: { [DCS.id]: store({ initialize: '9' }), [DATA_DIRECTORY.id]: data },
      objections: ['pg1 holds a cluster with system identifier 7, but Shelf knows demo as 9 →', 'or another Shelf'],
    },
    {
      title: 'knows a cluster whose data is gone',
      states: { [DCS.id]: store({ initialize: '9' }), [DATA_DIRECTORY.id]: { kind: 'absent' } },
      objections: ['Shelf knows the cluster demo with system identifier 9, but it has no leader'],
    },
    {
      title: 'is new, and there is data',
      states: { [DCS.id]: { reachable: false, why: 'x' }, [DATA_DIRECTORY.id]: data, [SHELF.id]: { data: false } },
      objections: ['that Shelf does not know as this cluster’s'],
    },
    {
      title: 'has lost its contents',
      states: {
        [DCS.id]: { reachable: false, why: 'x' },
        [DATA_DIRECTORY.id]: data,
        [SHELF.id]: { data: false },
        'enabled:patroni': { enabled: true },
      },
      objections: [
        'Shelf does not know the PostgreSQL cluster that is the data of demo',
        'start Shelf yourself (`systemctl start shelfd` on pg1, pg2 and pg3)',
        'gives the scope its identity back from the data that is there',
      ],
    },
  ])('is guarded when it $title', ({ states, objections }) => {
    const all = said(states).join('\n');
    for (const text of objections) expect(all).toContain(text);
    expect(all).not.toMatch(/etcd/iu);
  });

  it('is guarded without an objection when it has data that explains what is there', () => {
    expect(said({ [DCS.id]: { reachable: false, why: 'x' }, [DATA_DIRECTORY.id]: data, [SHELF.id]: { data: true } })).toEqual([]);
  });

  it('is looked for on the hosts that a run leaves out', () => {
    const part = { hosts: new Set(['pg1']), roles: new Set(['shelf']) };
    const alone = new View(inventory, new Map([['pg1', new Map<string, unknown>([[SHELF.id, { data: false }]])]]));
    expect(quorumElsewhere(alone, part).map(({ message }) => message)).toEqual([
      'pg1: Shelf needs 2 of its 3 members to start, and pg2 and pg3 neither run nor are part of this run',
    ]);
    const leaving = { hosts: new Set(['pg1']), roles: new Set(['patroni']) };
    expect(patroni.missingPrerequisites?.(alone, leaving).map(({ message, hint }) => `${message} → ${hint}`)).toEqual([
      'pg1: Patroni needs Shelf, and no Shelf member on pg2 and pg3 answers → apply the role shelf first: --role shelf on all of its hosts',
    ]);
  });

  it('has its quorum protected by the rule for every DCS', () => {
    const sight = { voters: NAMES, healthy: new Set(['pg1', 'pg2']), anyHealthy: true, inRun: new Set(NAMES) };
    const move = { host: 'pg1', action: 'restart', before: new Set<string>() } as const;
    expect(quorumLost(inventory, 'Shelf', move, sight)?.message).toBe(
      'pg1: pg3 is not healthy: a restart of Shelf here would leave 1 of 3 members, and a quorum needs 2',
    );
    expect(quorumLost(inventory, 'Shelf', { ...move, host: 'pg3' }, sight)).toBeUndefined();
    expect(quorumLost(inventory, 'Shelf', move, { ...sight, healthy: new Set(), anyHealthy: false })).toBeUndefined();
  });

  it('has warnings under its own name', async () => {
    const warned = async (text: string): Promise<string[]> => (await inventoryOf(text, catalog)).warnings.map(({ message }) => message);
    expect((await warned(yaml(1)))[0]).toContain('a single shelf member');
    expect((await warned(yaml(2)))[0]).toContain('2 shelf members tolerate no failure');
    expect((await warned(yaml(3, ['base', 'pgdg', 'postgresql', 'replication', 'patroni'])))[0]).toContain(
      'no host has the role etcd or consul or shelf',
    );
  });

  it('makes operations see the cluster as unhealthy when its members are', () => {
    const { quorumLost: lost, unhealthy } = healthOf({ catalog, inventory, view: viewOf({ [SHELF.id]: { stands: false } }) });
    expect(lost).toBe(true);
    expect(unhealthy.map(({ what }) => what)).toContain('Shelf is not healthy');
  });

  const host = freshDirectory();
  inEveryShell(HOST_SHELLS, (shell) => {
    const file = (): string => host.at('srv/shelf/demo.json');
    const put = (keys: Readonly<Record<string, string>>): void => {
      mkdirSync(dirname(file()), { recursive: true });
      const shelf = Object.fromEntries(Object.entries(keys).map(([key, value]) => [key, { value, revision: '3' }]));
      writeFileSync(file(), `${JSON.stringify({ shelf })}\n`);
    };
    const here = <Each extends Observation<never>>(observation: Each): Each =>
      rewritten(observation, (script) => moved(script, '/srv/shelf', host.at('srv/shelf'))) as Each;
    const find = (id: string): Observation<never> => {
      const found = allObservations(work).find((each) => each.id === id);
      if (found === undefined) throw new Error(`no observation ${id}`);
      return found as Observation<never>;
    };
    const see = (id: string): Promise<unknown> => observe(shell, here(find(id)));

    it('is read for what Patroni keeps in it', async () => {
      expect(await see(DCS.id)).toEqual({ reachable: false, why: 'no shelf' });
      put({
        initialize: '7',
        leader: 'pg2',
        'members/pg2': '{"state": "running", "role": "primary", "conn_url": "x"}',
        config: 'nonsense',
      });
      expect(await see(DCS.id)).toEqual({
        reachable: true,
        initialize: '7',
        leader: 'pg2',
        members: [{ name: 'pg2', connUrl: 'x', state: 'running', role: 'primary' }],
        config: undefined,
        keys: [
          { key: 'initialize', bytes: 1, value: '7' },
          { key: 'leader', bytes: 3, value: 'pg2' },
          { key: 'members/pg2', bytes: 56, value: '{"state": "running", "role": "primary", "conn_url": "x"}' },
          { key: 'config', bytes: 8, value: 'nonsense' },
        ],
        unreadable: [
          'Shelf: the value of /srv/shelf/demo.json#config is not what Patroni writes there; `cat /srv/shelf/demo.json`, as root on a member, shows it',
        ],
      });
      expect(await see(INTERRUPTED_BOOTSTRAP.id)).toMatchObject({ initialize: 'set', led: true });
    });

    it('has the mark of an interrupted bootstrap removed', async () => {
      put({ initialize: '', config: '{}' });
      const resource = find(INTERRUPTED_BOOTSTRAP.id) as unknown as Resource;
      const state = { ...((await see(INTERRUPTED_BOOTSTRAP.id)) as object), underWay: false };
      expect(state).toMatchObject({ initialize: 'empty', led: false });
      const changes = resource.diff(state);
      expect(changes.map(({ summary }) => summary)).toEqual(['take the mark of an interrupted bootstrap out of Shelf']);
      const { code } = await feed(shell, moved(resource.apply(changes, state), '/srv/shelf', host.at('srv/shelf')).text);
      expect(code).toBe(0);
      expect(await see(DCS.id)).toMatchObject({ reachable: true, initialize: undefined, config: {} });
    });

    it('has its key config corrected when no Patroni answers', async () => {
      put({ initialize: '7', config: '{"ttl": 99}' });
      const id = 'patroni-config:demo:stuck';
      const resource = find(id) as unknown as Resource;
      const state = (await see(id)) as StuckConfigState;
      expect(state).toMatchObject({ stuck: true, stored: { current: { ttl: 99 }, revision: '3' } });
      const changes = resource.diff(state);
      expect(changes.length).toBeGreaterThan(0);
      const script = moved(resource.apply(changes, state), '/srv/shelf', host.at('srv/shelf'));
      const { code } = await feed(shell, `curl() { printf 000; }\n${script.text}`);
      expect(code).toBe(0);
      expect(readFileSync(file(), 'utf8')).toContain('"revision":"3+"');
      expect(
        JSON.parse((JSON.parse(readFileSync(file(), 'utf8')) as { shelf: { config: { value: string } } }).shelf.config.value),
      ).toMatchObject({ ttl: 30 });
    });
  });
});
