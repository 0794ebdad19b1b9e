import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import type { Inventory } from '../../src/model/index.js';
import { View } from '../../src/plan/view.js';
import { DCS, type DcsMember } from '../../src/resources/dcs.js';
import { ETCD_MEMBER } from '../../src/resources/etcd-member.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { WATCHDOG, watchdogDevice } from '../../src/resources/watchdog.js';
import { contextOf, hostOf, inventoryOf, MATERIAL, THREE } from '../support/inventory.js';
import { freshDirectory } from '../support/directory.js';
import { observe } from '../support/sections.js';

const patroni = CATALOG.find(({ name }) => name === 'patroni');
const DEBIAN = { os: 'debian', version: '13', memory: 8 * 1024 ** 3 };

const viewOf = (inventory: Inventory, states: object): View =>
  new View(inventory, new Map(inventory.hosts.map(({ name }) => [name, new Map(Object.entries({ [HOST_FACTS]: DEBIAN, ...states }))])));

const store = (members: readonly DcsMember[], config: object = {}): object => ({
  [DCS]: { reachable: true, initialize: '7', leader: 'pg1', members, config },
});
const member = (name: string, address: string, state = 'streaming'): DcsMember => ({ name, connUrl: `postgres://${address}:5432/postgres`, state, role: 'replica' });
const OWN = [member('pg1', '10.0.0.1', 'running'), member('pg2', '10.0.0.2')];

describe('a member that the inventory no longer has', () => {
  const refusals = async (yaml: string, states: object): Promise<string[]> =>
    (patroni?.guards?.(viewOf(await inventoryOf(yaml), states), MATERIAL) ?? []).map(({ kind, message }) => `${kind}: ${message.replace(/\(\/\S*\//u, '(')}`);
  const withoutRole = THREE.replace('cluster_address: 10.0.0.3', 'cluster_address: 10.0.0.3, roles: [base, etcd]');
  const gone = THREE.replace(/ {2}pg3.*\n/u, '');

  it.each<{ title: string; yaml: string; members: DcsMember[]; states?: object; says: string[] }>([
    { title: 'has lost its role', yaml: withoutRole, members: [...OWN, member('pg3', '10.0.0.3')], says: ['refuse: pg3 has no role patroni (inventory.yml:5), but runs as a member of the cluster demo'] },
    { title: 'has lost its role and was stopped', yaml: withoutRole, members: [...OWN, member('pg3', '10.0.0.3', 'stopped')], says: [] },
    { title: 'has lost its role and is away', yaml: withoutRole, members: OWN, says: [] },
    { title: 'is not in the inventory', yaml: gone, members: [...OWN, member('pg3', '10.0.0.3')], says: ['refuse: pg3 (postgres://10.0.0.3:5432/postgres) is not in the inventory, but runs as a member of the cluster demo'] },
    {
      title: 'is not in the inventory, which etcd’s own guard says', yaml: gone, members: [...OWN, member('pg3', '10.0.0.3')],
      states: { [ETCD_MEMBER]: { healthy: true, hasData: true, members: [{ name: 'pg3', peerUrls: ['https://10.0.0.3:2380'] }] } }, says: [],
    },
    { title: 'has another name', yaml: THREE.replace('pg3:', 'db3:'), members: [...OWN, member('pg3', '10.0.0.3')], says: [] },
  ])('$title', async ({ yaml, members, states = {}, says }) => expect(await refusals(yaml, { ...store(members), ...states })).toEqual(says));
});

describe('a watchdog that is required', () => {
  const objections = async (watchdog: string, state: string | undefined): Promise<string[]> => {
    const view = viewOf(await inventoryOf(`${THREE}patroni: {watchdog: ${watchdog}}\n`), state === undefined ? {} : { [WATCHDOG]: state });
    return (patroni?.preflight?.(view) ?? []).map(({ kind, message }) => `${kind}: ${message}`);
  };

  it.each([
    { watchdog: 'required', state: 'usable', says: [] },
    { watchdog: 'required', state: undefined, says: [] },
    { watchdog: 'automatic', state: 'absent', says: [] },
    { watchdog: 'required', state: 'absent', says: ['pg1', 'pg2', 'pg3'].map((name) => `preflight: ${name}: patroni.watchdog is required, but there is no /dev/watchdog, so this member could never lead`) },
    { watchdog: 'required', state: 'closed', says: ['pg1', 'pg2', 'pg3'].map((name) => `preflight: ${name}: patroni.watchdog is required, but postgres may not write to /dev/watchdog, so this member could never lead`) },
  ])('$watchdog and $state', async ({ watchdog, state, says }) => expect(await objections(watchdog, state)).toEqual(says));

  it('is asked for only where it counts', async () => {
    const asked = async (watchdog: string): Promise<boolean> => {
      const context = contextOf(await inventoryOf(`${THREE}patroni: {watchdog: ${watchdog}}\n`), 'pg1');
      return patroni?.observations?.(context).some(({ id }) => id === WATCHDOG) === true;
    };
    expect([await asked('required'), await asked('automatic'), await asked('off')]).toEqual([true, false, false]);
  });

  const work = freshDirectory();
  it('is seen to be absent', async () => {
    expect(await observe('dash', watchdogDevice(work.at('none'), 'postgres'))).toBe('absent');
  });
});

describe('what a plan leaves pending', () => {
  const effects = async (yaml: string, config: object, names: readonly string[] | undefined): Promise<string[]> => {
    const inventory = await inventoryOf(`${THREE}${yaml}`);
    expect(hostOf(inventory, 'pg1').name).toBe(inventory.leader);
    return patroni?.effects?.(viewOf(inventory, { ...store(OWN, config), 'restart-parameters': names })) ?? [];
  };
  const now = { postgresql: { parameters: { wal_level: 'replica', hot_standby: 'on', wal_log_hints: 'on', password_encryption: 'scram-sha-256', max_connections: 100 } } };
  const RESTART = ['hot_standby', 'max_connections', 'shared_buffers', 'wal_level', 'wal_log_hints'];

  it.each<{ title: string; yaml: string; names: readonly string[] | undefined; says: string[] }>([
    { title: 'parameters that take a restart', yaml: 'postgresql: {parameters: {max_connections: 200, shared_buffers: 1GB, work_mem: 9MB}}\n', names: RESTART,
      says: ['a restart of PostgreSQL stays pending for max_connections and shared_buffers, until you carry it out: `patronictl restart demo --pending`'] },
    { title: 'no others', yaml: 'postgresql: {parameters: {max_connections: 100, work_mem: 9MB}}\n', names: RESTART, says: [] },
    { title: 'nothing that is known while PostgreSQL is down', yaml: 'postgresql: {parameters: {max_connections: 200}}\n', names: undefined, says: [] },
  ])('$title', async ({ yaml, names, says }) => expect(await effects(yaml, now, names)).toEqual(says));
});
