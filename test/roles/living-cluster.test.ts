import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { withoutBootstrap } from '../../roles/shared/live-part.js';
import type { Inventory } from '../../src/model/index.js';
import { buildPlan } from '../../src/plan/plan.js';
import { joinHostWork, buildHostWork, type HostWork } from '../../src/plan/host-work.js';
import { View } from '../../src/plan/view.js';
import { DCS, type DcsMember } from '../../src/resources/dcs.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import type { Resource } from '../../src/resources/resource.js';
import { joinScripts, Script, sh } from '../../src/shell/quote.js';
import { WATCHDOG, watchdogDevice } from '../../src/resources/watchdog.js';
import { contextOf, hostOf, inventoryOf, MATERIAL, THREE } from '../support/inventory.js';
import { freshDirectory } from '../support/directory.js';
import { observe, runSections } from '../support/sections.js';

const patroni = CATALOG.find(({ name }) => name === 'patroni');
const DEBIAN = { os: 'debian', version: '13', memory: 8 * 1024 ** 3 };

const viewOf = (inventory: Inventory, states: object): View =>
  new View(inventory, new Map(inventory.hosts.map(({ name }) => [name, new Map(Object.entries({ [HOST_FACTS.id]: DEBIAN, ...states }))])));

const store = (members: readonly DcsMember[], config: object = {}, more: object = {}): object => ({
  [DCS.id]: { reachable: true, initialize: '7', leader: 'pg1', members, config, ...more },
});
const member = (name: string, address: string, state = 'streaming'): DcsMember => ({
  name,
  connUrl: `postgres://${address}:5432/postgres`,
  state,
  role: 'replica',
});
const OWN = [member('pg1', '10.0.0.1', 'running'), member('pg2', '10.0.0.2')];

describe('a member that the inventory no longer has', () => {
  const refusals = async (yaml: string, states: object): Promise<string[]> =>
    (patroni?.guards?.(viewOf(await inventoryOf(yaml), states), MATERIAL) ?? []).map(
      ({ kind, message }) => `${kind}: ${message.replace(/\(\/\S*\//u, '(')}`,
    );
  const withoutRole = THREE.replace('cluster_address: 10.0.0.3', 'cluster_address: 10.0.0.3, roles: [base, etcd]');
  const absent = THREE.replace('cluster_address: 10.0.0.3', 'cluster_address: 10.0.0.3, absent: true');
  const gone = THREE.replace(/ {2}pg3.*\n/u, '');

  it.each<{ title: string; yaml: string; members: DcsMember[]; states?: object; says: string[] }>([
    {
      title: 'has lost its role',
      yaml: withoutRole,
      members: [...OWN, member('pg3', '10.0.0.3')],
      says: ['refuse: pg3 has no role patroni (inventory.yml:5), but runs as a member of the cluster demo'],
    },
    { title: 'has lost its role and was stopped', yaml: withoutRole, members: [...OWN, member('pg3', '10.0.0.3', 'stopped')], says: [] },
    { title: 'has lost its role and is out of reach', yaml: withoutRole, members: OWN, says: [] },
    {
      title: 'is not in the inventory',
      yaml: gone,
      members: [...OWN, member('pg3', '10.0.0.3')],
      says: ['refuse: pg3 (postgres://10.0.0.3:5432/postgres) is not in the inventory, but runs as a member of the cluster demo'],
    },
    {
      title: 'is not in the inventory, which etcd’s own guard says',
      yaml: gone,
      members: [...OWN, member('pg3', '10.0.0.3')],
      states: { [ETCD_MEMBER.id]: { healthy: true, hasData: true, members: [{ name: 'pg3', peerUrls: ['https://10.0.0.3:2380'] }] } },
      says: [],
    },
    {
      title: 'is absent',
      yaml: absent,
      members: [...OWN, member('pg3', '10.0.0.3')],
      says: ['refuse: pg3 (postgres://10.0.0.3:5432/postgres) is absent in the inventory, but runs as a member of the cluster demo'],
    },
    {
      title: 'is absent and only down',
      yaml: absent,
      members: OWN,
      states: store(OWN, { slots: { kept: {} } }, { retainedSlots: ['kept', 'pg1', 'pg2', 'pg3'] }),
      says: ['refuse: pg3 is absent in the inventory, and Patroni keeps a slot for it (pg3), as for a member that is only down'],
    },
    {
      title: 'has lost its role, and is taken for one that is only down',
      yaml: withoutRole,
      members: OWN,
      states: store(OWN, {}, { retainedSlots: ['pg1', 'pg2', 'pg3'] }),
      says: ['refuse: pg3 has no role patroni (inventory.yml:5), and Patroni keeps a slot for it (pg3), as for a member that is only down'],
    },
    { title: 'has another name', yaml: THREE.replace('pg3:', 'db3:'), members: [...OWN, member('pg3', '10.0.0.3')], says: [] },
  ])('is detected when it $title', async ({ yaml, members, states = {}, says }) =>
    expect(await refusals(yaml, { ...store(members), ...states })).toEqual(says),
  );
});

describe('a required watchdog', () => {
  const objections = async (watchdog: string, state: string | undefined): Promise<string[]> => {
    const view = viewOf(
      await inventoryOf(`${THREE}patroni: {watchdog: ${watchdog}}\n`),
      state === undefined ? {} : { [WATCHDOG.id]: state },
    );
    return (patroni?.preflight?.(view) ?? []).map(({ kind, message }) => `${kind}: ${message}`);
  };

  it.each([
    { watchdog: 'required', state: 'usable', says: [] },
    { watchdog: 'required', state: undefined, says: [] },
    { watchdog: 'automatic', state: 'absent', says: [] },
    {
      watchdog: 'required',
      state: 'absent',
      says: ['pg1', 'pg2', 'pg3'].map(
        (name) => `preflight: ${name}: patroni.watchdog is required, but there is no /dev/watchdog, so this member could never lead`,
      ),
    },
    {
      watchdog: 'required',
      state: 'closed',
      says: ['pg1', 'pg2', 'pg3'].map(
        (name) =>
          `preflight: ${name}: patroni.watchdog is required, but postgres may not write to /dev/watchdog, so this member could never lead`,
      ),
    },
  ])('$watchdog and $state', async ({ watchdog, state, says }) => expect(await objections(watchdog, state)).toEqual(says));

  it('is checked only where it matters', async () => {
    const asked = async (watchdog: string): Promise<boolean> => {
      const context = contextOf(await inventoryOf(`${THREE}patroni: {watchdog: ${watchdog}}\n`), 'pg1');
      return patroni?.observations?.(context).some(({ id }) => id === WATCHDOG.id) === true;
    };
    expect([await asked('required'), await asked('automatic'), await asked('off')]).toEqual([true, false, false]);
  });

  const work = freshDirectory();
  it('is reported when absent', async () => {
    expect(await observe('dash', watchdogDevice(work.at('none'), 'postgres'))).toBe('absent');
  });
});

describe('a changed value of the dynamic configuration', () => {
  const CONFIG = 'file:/etc/patroni/config.yml';
  const shapesOf = async (yaml: string): Promise<Map<string, HostWork>> => {
    const inventory = await inventoryOf(yaml);
    return new Map(inventory.hosts.map(({ name }) => [name, buildHostWork(CATALOG, contextOf(inventory, name))]));
  };
  const resources = (shape: HostWork | undefined): Resource[] => shape?.stages.flatMap(({ stage }) => stage.resources) ?? [];
  const find = (shape: HostWork | undefined, id: string): Resource => resources(shape).find((resource) => resource.id === id) as Resource;

  /**
   * `pg1 update: …` of all that a run plans on a cluster that another inventory made; `data`: what the host has where its data is to be.
   */
  async function planned(
    made: string,
    wanted: string,
    data = 'kind=cluster\nversion=17\nidentifier=7\nstate=in production\nrunning=yes',
  ): Promise<string[]> {
    const [before, after] = [await shapesOf(made), await shapesOf(wanted)];
    // What is desired as before cannot differ; it is left out, and so need not be made up.
    const differ = (name: string): Resource[] =>
      resources(after.get(name)).filter((resource) => find(before.get(name), resource.id).digest() !== resource.digest());
    const where = await Promise.all(['pg1', 'pg2', 'pg3'].map((name) => heldBy(find(after.get(name), CONFIG), data)));
    const states = new Map(
      [...after.keys()].map((name, index) => {
        const content = find(before.get(name), CONFIG).diff({ type: 'absent' })[0]?.after ?? '';
        const answer = `${where[index]}file postgres postgres 600\n${content}`;
        const dcs = /^ {2}dcs: (.*)$/mu.exec(content)?.[1] ?? '';
        return [
          name,
          new Map<string, unknown>([
            [CONFIG, find(after.get(name), CONFIG).parse({ status: 0, out: Buffer.from(answer) })],
            [
              'service:patroni',
              { loaded: true, enabled: true, active: 'active', applied: { restart: '', reload: 'of the cluster as it was made' } },
            ],
            ...['patroni-config:demo', 'patroni-config:demo:stuck'].map(
              (id) => [id, { stuck: false, malformed: false, rest: { answers: true, current: JSON.parse(dcs) as object } }] as const,
            ),
          ]),
        ];
      }),
    );
    const plan = joinHostWork(CATALOG, after).map((stage) => ({
      ...stage,
      hosts: new Map(
        [...stage.hosts].map(([name, part]) => [
          name,
          { ...part, gates: [], resources: part.resources.filter(({ id }) => differ(name).some((resource) => resource.id === id)) },
        ]),
      ),
    }));
    return buildPlan(plan, states).map(({ host, action, summary }) => `${host} ${action}: ${summary}`);
  }

  /** The line that a host begins its answer about the file with. */
  async function heldBy(config: Resource, data: string): Promise<string> {
    const [where = ''] = config
      .probe()
      .text.split('\n')
      .reduce<[string, boolean]>(([text, open], line) => (open ? [`${text}${line}\n`, !line.endsWith('; fi')] : [text, open]), ['', true]);
    const { answers } = await runSections('dash', [
      { id: 'x', mode: 'probe', body: joinScripts([sh`pgprov_data=${data}`, Script.build(where)]) },
    ]);
    return answers.get('x')?.out.toString() ?? '';
  }

  const parameter = `${THREE}postgresql: {parameters: {work_mem: 9MB}}\n`;
  it.each<{ title: string; yaml: string; plan: string[] }>([
    {
      title: 'a parameter',
      yaml: parameter,
      plan: ['pg1 update: set postgresql.parameters.work_mem to 9MB (is not set) in the dynamic configuration'],
    },
    {
      title: 'a setting of Patroni’s own',
      yaml: `${THREE}patroni: {ttl: 40}\n`,
      plan: ['pg1 update: set ttl to 40 (is 30) in the dynamic configuration'],
    },
    {
      title: 'a setting that a member has as well',
      yaml: `${THREE}patroni: {ttl: 40, tags: {a: 1}}\n`,
      plan: [
        ...['pg1', 'pg2', 'pg3'].flatMap((name) => [
          `${name} update: write /etc/patroni/config.yml`,
          `${name} reload: reload patroni (its configuration changed)`,
        ]),
        'pg1 update: set ttl to 40 (is 30) in the dynamic configuration',
      ],
    },
  ])('is one change, in etcd: $title', async ({ yaml, plan }) => {
    expect(await planned(THREE, yaml)).toEqual(plan);
  });

  it('is reverted the same way', async () => {
    expect(await planned(parameter, THREE)).toEqual([
      'pg1 update: unset postgresql.parameters.work_mem (is 9MB) in the dynamic configuration',
    ]);
  });

  it.each([
    'kind=absent',
    'kind=empty',
    'kind=foreign',
    'kind=cluster\nversion=17\ncontrol=missing',
    'kind=cluster\nversion=17\nidentifier=7\ncontrol=damaged',
  ])('is written when a member has no data yet (%s)', async (data) => {
    expect((await planned(THREE, parameter, data)).filter((line) => line.includes('write'))).toEqual(
      ['pg1', 'pg2', 'pg3'].map((name) => `${name} update: write /etc/patroni/config.yml`),
    );
  });

  it('shows no key that only applies when a cluster is made', () => {
    expect(
      withoutBootstrap('# x\na: 1\n\nbootstrap:\n  dcs: {"a": 1}\n  initdb:\n    - "x"\n\n# y\n  z\npostgresql:\n  bootstrap: 1\n'),
    ).toBe('# x\na: 1\n\npostgresql:\n  bootstrap: 1\n');
  });
});

describe('what a plan leaves pending', () => {
  const effects = async (yaml: string, config: object, names: readonly string[] | undefined): Promise<string[]> => {
    const inventory = await inventoryOf(`${THREE}${yaml}`);
    expect(hostOf(inventory, 'pg1').name).toBe(inventory.leader);
    const told = patroni?.effects?.(viewOf(inventory, { ...store(OWN, config), 'restart-parameters': names })) ?? [];
    return told.map((text) => text.replace(inventory.file, 'INVENTORY'));
  };
  const now = {
    postgresql: {
      parameters: {
        wal_level: 'replica',
        hot_standby: 'on',
        wal_log_hints: 'on',
        password_encryption: 'scram-sha-256',
        max_connections: 100,
      },
    },
  };
  const RESTART = ['hot_standby', 'max_connections', 'shared_buffers', 'wal_level', 'wal_log_hints'];

  it.each<{ title: string; yaml: string; names: readonly string[] | undefined; says: string[] }>([
    {
      title: 'parameters that require a restart',
      yaml: 'postgresql: {parameters: {max_connections: 200, shared_buffers: 1GB, work_mem: 9MB}}\n',
      names: RESTART,
      says: [
        'PostgreSQL needs a restart for max_connections and shared_buffers; when it suits you, run `pgprov restart INVENTORY --pending`, which restarts one member at a time',
      ],
    },
    { title: 'no other parameters', yaml: 'postgresql: {parameters: {max_connections: 100, work_mem: 9MB}}\n', names: RESTART, says: [] },
    {
      title: 'nothing while PostgreSQL is down',
      yaml: 'postgresql: {parameters: {max_connections: 200}}\n',
      names: undefined,
      says: [],
    },
  ])('includes $title', async ({ yaml, names, says }) => expect(await effects(yaml, now, names)).toEqual(says));
});
