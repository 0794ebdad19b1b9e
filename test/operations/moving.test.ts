import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import readdress from '../../src/operations/readdress.js';
import rename from '../../src/operations/rename.js';
import { asMoving } from '../../src/operations/shared/moving/seen.js';
import type { MovingOptions } from '../../src/operations/shared/moving/options.js';
import type { OperationRun, OperationStart } from '../../src/plan/operation.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { PHYSICAL_SLOTS } from '../../src/resources/physical-slots.js';
import { retiredHandle } from '../../src/resources/retired-units.js';
import { RUNNING, type RunningState } from '../../src/resources/running.js';
import { SOURCE_ADDRESS } from '../../src/resources/source-address.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { madeUp, type Made } from './made-up-run.js';

type Case = Made<MovingOptions> & {
  yaml?: string;
  /** What patroni.yml of the host that moves has. */
  file?: { name?: string; address?: string };
  /** How etcd lists the host that moves. */
  listedAs?: { name?: string; address?: string };
  /** Hosts whose server has a slot for pg3. */
  slots?: readonly string[];
  /** From where the host connects to pg1. */
  from?: string;
  etcdRuns?: boolean;
  resumed?: true;
};

const RENAMED = THREE.replace('pg3:', 'db3:');
const RENAME: MovingOptions = { host: 'pg3', to: 'db3', slotsTtl: null };
const MOVED = THREE.replace('cluster_address: 10.0.0.3', 'cluster_address: 10.0.0.33');
const READDRESS: MovingOptions = { host: 'pg3', from: '10.0.0.3', slotsTtl: null };

/** The third of three members moves; pg1 leads. */
async function run(given: Case): Promise<OperationRun<MovingOptions>> {
  const { options = RENAME, file = {}, listedAs = {}, slots = [], from, etcdRuns = true, resumed, ...made } = given;
  const renames = options.to !== undefined;
  const inventory = asMoving(await inventoryOf(given.yaml ?? (renames ? RENAMED : MOVED)), options);
  const own = renames ? 'db3' : 'pg3';
  const members = [
    { name: 'pg1', peerUrls: ['https://10.0.0.1:2380'] },
    { name: 'pg2', peerUrls: ['https://10.0.0.2:2380'] },
    { name: listedAs.name ?? 'pg3', peerUrls: [`https://${listedAs.address ?? '10.0.0.3'}:2380`] },
  ];
  const patroniFile = { name: file.name ?? 'pg3', connectAddress: `${file.address ?? '10.0.0.3'}:5432` };
  const more = Object.fromEntries(
    ['pg1', 'pg2', own].map((name) => [
      name,
      new Map<string, unknown>([
        [ETCD_MEMBER.id, { healthy: made.etcdDown?.includes(name) !== true, hasData: true, members }],
        [PHYSICAL_SLOTS.id, slots.includes(name) ? ['pg3'] : []],
        [retiredHandle('services').id, []],
        [retiredHandle('store').id, name === own && etcdRuns ? ['etcd.service'] : []],
        ...(name === own
          ? [
              [RUNNING.id, { postmasters: [], databases: [], wantedDirectory: '', patroniFile } as unknown as RunningState] as const,
              [SOURCE_ADDRESS.id, new Map(from === undefined ? [] : [['10.0.0.1', from]])] as const,
            ]
          : []),
      ]),
    ]),
  );
  const former = renames && file.name === undefined;
  return {
    ...madeUp(inventory, {
      ...made,
      ...(former ? { listed: { db3: { name: 'pg3' }, ...made.listed }, own: { db3: { name: 'pg3' }, ...made.own } } : {}),
      options,
      more,
    }),
    catalog: CATALOG,
    ...(resumed === undefined ? {} : { resumed }),
  };
}

const operationOf = ({ options = RENAME }: Case): typeof rename => (options.to === undefined ? readdress : rename);
const ids = async (made: Case): Promise<string[]> =>
  operationOf(made)
    .remaining(await run(made))
    .steps.map((step) => `${step.id}${'on' in step ? ` @${step.on.join()}` : ''}`);
const objection = async (made: Case): Promise<string | undefined> =>
  operationOf(made)
    .guards?.(await run(made))[0]
    ?.message.split('\n')[0];
const problem = async (yaml: string, options: MovingOptions): Promise<string | undefined> =>
  operationOf({ options }).problems?.({ inventory: await inventoryOf(yaml), options } as OperationStart<MovingOptions>)[0]?.message;

/** It has its new name, or its new address. */
const NAMED: Case = { file: { name: 'db3' }, listedAs: { name: 'db3' } };
const at = (address: string): Case => ({ registered: { pg3: { connUrl: `postgres://${address}:5432/postgres` } } });
const THERE: Case = { ...at('10.0.0.33'), options: READDRESS, file: { address: '10.0.0.33' }, listedAs: { address: '10.0.0.33' } };

describe('pgprov rename and readdress', () => {
  it.each<{ title: string; made: Case; left: string[] }>([
    {
      title: 'a standby its name',
      made: { slots: ['pg1'] },
      left: ['stop @db3', 'forget @pg1', 'bring', 'slots-ttl @pg1', 'slots @pg1', 'slots-ttl-back @pg1'],
    },
    {
      title: 'the leader its name, once another one leads',
      made: {
        leader: null,
        listed: { db3: { name: 'pg3', role: 'leader', state: 'running' } },
        own: { db3: { name: 'pg3', role: 'leader' } },
        options: { ...RENAME, successor: 'pg2' },
      },
      left: ['hand-over @db3', 'follow @pg2', 'stop @db3', 'bring'],
    },
    {
      title: 'what another command has begun to',
      made: { ...NAMED, slots: ['pg2'], resumed: true },
      left: ['bring', 'slots-ttl @pg1', 'slots @pg2', 'slots-ttl-back @pg1'],
    },
    { title: 'nothing that has it', made: NAMED, left: [] },
    {
      title: 'a standby its address',
      made: { ...at('10.0.0.3'), options: READDRESS },
      left: ['stop @pg3', 'stop-store @pg3', 'tell-store @pg1', 'forget @pg1', 'bring'],
    },
    {
      title: 'an address that etcd knows already',
      made: { options: READDRESS, listedAs: { address: '10.0.0.33' }, stopped: ['pg3'], disabled: ['pg3'], etcdRuns: false, resumed: true },
      left: ['bring'],
    },
    { title: 'no address that it has', made: THERE, left: [] },
  ])('give $title', async ({ made, left }) => expect(await ids(made)).toEqual(left));

  it.each<{ title: string; made: Case; says: string | undefined }>([
    { title: 'a standby', made: {}, says: undefined },
    { title: 'a standby with a new address', made: { options: READDRESS, from: '10.0.0.33' }, says: undefined },
    {
      title: 'one that connects from its former address',
      made: { options: READDRESS, from: '10.0.0.3' },
      says: 'pg3 connects to pg1 from its former address, at which the others would let it in no more',
    },
    {
      title: 'one that was elsewhere',
      made: { options: { ...READDRESS, from: '10.0.0.4' } },
      says: 'the member on pg3 is at 10.0.0.3:5432, and not at 10.0.0.4',
    },
    {
      title: 'another member',
      made: { file: { name: 'pg9' } },
      says: 'the member on db3 is pg9',
    },
    {
      title: 'name and address at once',
      made: { file: { address: '10.0.0.4' } },
      says: 'the member on db3 is at 10.0.0.4:5432, and the inventory has it at 10.0.0.3:5432',
    },
    {
      title: 'a host out of reach',
      made: { away: ['pg2'] },
      says: 'pg2 cannot be reached, and every host has to know db3 by its new name',
    },
    {
      title: 'a cluster in maintenance mode',
      made: { config: { pause: true } },
      says: 'the cluster is in maintenance mode, in which Patroni leaves the members alone',
    },
    {
      title: 'a cluster whose commits wait for it alone',
      made: { config: { synchronous_mode: true }, listed: { db3: { name: 'pg3' }, pg2: { state: 'starting' } } },
      says: 'with synchronous_mode pg1 needs a standby that streams, and while pg3 is down there is none',
    },
    {
      title: 'an etcd that would have no quorum',
      made: { etcdDown: ['pg2'] },
      says: 'pg2 is not healthy: while db3 is down too few of the 3 members of etcd would work for a quorum',
    },
  ])('decide about $title', async ({ made, says }) => expect(await objection(made)).toBe(says));

  it.each<{ title: string; yaml: string; options: MovingOptions; says: string | undefined }>([
    { title: 'a name', yaml: RENAMED, options: RENAME, says: undefined },
    { title: 'no host', yaml: RENAMED, options: {}, says: 'which host is it about?' },
    { title: 'no new name', yaml: RENAMED, options: { host: 'pg3', to: '' }, says: 'what is pg3 to be called?' },
    { title: 'the same name', yaml: THREE, options: { host: 'pg3', to: 'pg3' }, says: 'pg3 has that name already' },
    { title: 'a name that the inventory does not have yet', yaml: THREE, options: RENAME, says: 'the inventory still has a host pg3' },
    { title: 'no former address', yaml: MOVED, options: { host: 'pg3' }, says: 'at which address was pg3 before?' },
    { title: 'one address', yaml: THREE, options: READDRESS, says: 'the inventory has pg3 at 10.0.0.3, too' },
    { title: 'another address', yaml: MOVED, options: READDRESS, says: undefined },
    { title: 'an unknown host', yaml: THREE, options: { host: 'pg9' }, says: 'there is no host "pg9"' },
    {
      title: 'the only member',
      yaml: 'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n',
      options: { host: 'pg1' },
      says: 'pg1 is the only member of demo, which would be down meanwhile',
    },
    {
      title: 'a member of an etcd of two',
      yaml: 'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n',
      options: { host: 'pg2' },
      says: 'etcd would have no quorum while pg2 is down: it has 2 members',
    },
    {
      title: 'a host that is a member of nothing',
      yaml: `${THREE}  lb1: {address: 192.0.2.9, cluster_address: 10.0.0.9, roles: [base, haproxy]}\n`,
      options: { host: 'lb1' },
      says: 'lb1 is a member neither of Patroni nor of etcd',
    },
  ])('take $title', async ({ yaml, options, says }) => expect(await problem(yaml, options)).toBe(says));
});
