import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { strangersObjections } from '../../src/engine/strangers.js';
import { OPERATIONS } from '../../src/operations/index.js';
import type { Inventory } from '../../src/model/index.js';
import { CONSUL_MEMBER } from '../../src/resources/consul/member.js';
import type { DcsMember } from '../../src/resources/dcs.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { RUNNING } from '../../src/resources/running.js';
import { inventoryOf } from '../support/inventory.js';
import { runSeen, type Seen } from './run-seen.js';

const TWO = 'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n';
const member = (number: number): DcsMember => ({
  name: `pg${number}`,
  connUrl: `postgres://10.0.0.${number}:5432/postgres`,
  state: 'running',
  role: 'replica',
});
const inEtcd = (...numbers: number[]): object => ({
  [ETCD_MEMBER.id]: {
    healthy: true,
    hasData: true,
    members: numbers.map((number) => ({ name: `pg${number}`, peerUrls: [`https://10.0.0.${number}:2380`] })),
  },
});

/** Where the inventory has lost pg3. */
const LOST: { where: string; yaml?: string; members: DcsMember[]; store: object; says: RegExp }[] = [
  {
    where: 'Patroni and etcd have',
    members: [member(1), member(2), member(3)],
    store: inEtcd(1, 2, 3),
    says: /^preflight: etcd has formed a cluster already, with other members than the inventory: pg3 \(\S+\) is not in the inventory; put it back/u,
  },
  {
    where: 'Patroni alone has',
    members: [member(1), member(2), member(3)],
    store: inEtcd(1, 2),
    says: /^refuse: pg3 \(\S+\) is not in the inventory, but runs as a member of the cluster demo; put it back/u,
  },
  {
    where: 'Consul has',
    yaml: 'dcs: consul\n',
    members: [member(1), member(2), member(3)],
    store: { [CONSUL_MEMBER.id]: { leader: 'pg1', agents: ['pg1', 'pg2', 'pg3'], servers: [{ name: 'pg3', address: '10.0.0.3' }] } },
    says: /^preflight: Consul has the server pg3, which is not in the inventory; put it back/u,
  },
];

/** What changes members, or what they do: it begins in no cluster that has others than the inventory. */
const REFUSED = [
  'certs renew',
  'clone',
  'config edit',
  'migrate',
  'rebuild',
  'reload',
  'restart',
  'restore',
  'secrets rotate',
  'start',
  'stop',
  'switchover',
  'update',
  'upgrade',
];
/** What is about one host, and is refused beside another one. */
const OF_ONE = ['readdress', 'remove', 'rename', 'replace'];
const GOES_ON = ['backup', 'failover', 'pause', 'recover', 'resume'];

function objectionsIn(
  inventory: Inventory,
  more: NonNullable<Seen['more']>,
  members: DcsMember[],
  name: string,
  options: object,
): string[] {
  const operation = OPERATIONS.find((each) => each.name === name);
  if (operation === undefined) throw new RangeError(name);
  const { view } = runSeen(inventory, { store: { members }, more }, options);
  return strangersObjections({ operation, start: { inventory, options }, roles: CATALOG, view }).map(
    ({ kind, message, hint }) => `${kind}: ${message}; ${hint}`,
  );
}

async function objections(
  name: string,
  { yaml = '', members, store }: (typeof LOST)[number],
  options: object = {},
  more = '',
): Promise<string[]> {
  return objectionsIn(await inventoryOf(`${TWO}${more}${yaml}`), { pg1: { ...store }, pg2: { ...store } }, members, name, options);
}

it('is decided for every operation that changes anything', () => {
  const changing = OPERATIONS.filter(({ changesNothing }) => changesNothing !== true).map(({ name }) => name);
  expect([...REFUSED, ...OF_ONE, ...GOES_ON].toSorted()).toEqual(changing.toSorted());
});

describe.each(LOST)('beside a member that $where and the inventory has not', (lost) => {
  it.each([...REFUSED, ...OF_ONE])('%s is refused, with the words of apply', async (name) => {
    expect(await objections(name, lost, { host: 'pg2' })).toEqual([expect.stringMatching(lost.says)]);
  });

  it.each(GOES_ON)('%s goes on', async (name) => {
    expect(await objections(name, lost)).toEqual([]);
  });

  it.each(['remove', 'replace'])('%s takes that one, and another one while it is announced to go', async (name) => {
    expect(await objections(name, lost, { host: 'pg3' })).toEqual([]);
    expect(await objections(name, lost, { host: 'pg2' }, '  pg3: {address: 10.0.0.3, absent: true}\n')).toEqual([]);
  });
});

describe('beside a member that the inventory calls otherwise, as after a rename that was given up', () => {
  const FILE = {
    scope: 'demo',
    namespace: '/service/',
    name: 'pg2',
    restListen: '0.0.0.0:8008',
    listen: '*:5432',
    connectAddress: '10.0.0.2:5432',
    dataDirectory: '/var/lib/postgresql/17/main',
    superuser: 'postgres',
    replication: 'replicator',
    rewind: 'rewind_user',
    sections: [],
  };
  const database = { path: FILE.dataDirectory, version: '17', systemIdentifier: '7' };
  const running = {
    wantedDirectory: FILE.dataDirectory,
    postmasters: [],
    databases: [],
    patroniFile: FILE,
    patroniData: database,
    made: undefined,
  };

  const renamed = async (name: string, options: object): Promise<string[]> =>
    objectionsIn(await inventoryOf(TWO.replace('pg2', 'db2')), { db2: { [RUNNING.id]: running } }, [member(1), member(2)], name, options);

  it.each([...REFUSED, 'readdress'])('%s is refused', async (name) => {
    expect(await renamed(name, { host: 'pg1', from: '10.0.0.9' })).toEqual([
      expect.stringMatching(/^refuse: db2: the inventory calls this host db2, but .*pgprov rename .* --host pg2 --to db2/u),
    ]);
  });

  it('the rename goes on', async () => {
    expect(await renamed('rename', { host: 'pg2', to: 'db2' })).toEqual([]);
  });
});
