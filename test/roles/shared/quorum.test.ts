import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import etcd from '../../../roles/etcd.js';
import { View } from '../../../src/plan/view.js';
import type { Objection, UnitGuard, UnitMove } from '../../../src/plan/role.js';
import { ETCD_CLUSTER, idOfNewMember, type EtcdClusterState, type EtcdListed } from '../../../src/resources/etcd/cluster.js';
import { ETCD_MEMBER } from '../../../src/resources/etcd/member.js';
import { SEED } from '../../support/depth.js';
import { contextOf, inventoryOf } from '../../support/inventory.js';

const NAMES = ['pg1', 'pg2', 'pg3', 'pg4', 'pg5'];
const inventories = await Promise.all(
  NAMES.map((_, count) =>
    inventoryOf(
      `cluster: demo\nroles: [etcd]\nhosts:\n${NAMES.slice(0, count + 1)
        .map((name, index) => `  ${name}: {address: 10.0.0.${index + 1}}\n`)
        .join('')}`,
    ),
  ),
);
const at = (name: string): string => `10.0.0.${NAMES.indexOf(name) + 1}`;
const peer = (name: string): string => `https://${at(name)}:2380`;
const client = (name: string): string => `https://${at(name)}:2379`;

const listed = (name: string, rest: Partial<EtcdListed> = {}): EtcdListed => ({
  id: idOfNewMember([peer(name)], 'demo'),
  name,
  peerUrls: [peer(name)],
  clientUrls: [client(name)],
  learner: false,
  ...rest,
});

interface Scene {
  count?: number;
  /** What each host of the run that answers sees. */
  seen: Record<string, Partial<EtcdClusterState>>;
  /** Hosts of the run that do not answer. */
  silent?: readonly string[];
  /** Hosts whose member has no data. */
  empty?: readonly string[];
  /** What the others listed when the run looked; default: nobody told. */
  looked?: EtcdListed[];
}

/** What the guard of etcd's stage says to a move. */
function objection(
  { count = 3, seen, silent = [], empty = [], looked = [] }: Scene,
  { host, action, before = [] }: { host: string; action: UnitMove['action']; before?: readonly string[] },
): Objection | undefined {
  const inventory = inventories[count - 1] as (typeof inventories)[number];
  const states = new Map(
    [...Object.keys(seen), ...silent].map((name) => {
      const own = seen[name];
      const member = { hasData: !empty.includes(name), members: looked.map((each) => ({ name: each.name, peerUrls: each.peerUrls })) };
      const known: [string, unknown][] = [[ETCD_MEMBER.id, member]];
      return [
        name,
        new Map<string, unknown>(
          own === undefined ? known : [...known, [ETCD_CLUSTER.id, { members: undefined, healthy: [], started: [], known: [], ...own }]],
        ),
      ] as const;
    }),
  );
  const stage = etcd.stages(contextOf(inventory, host)).find(({ name }) => name === 'start');
  return (stage?.unitGuard as UnitGuard).objection(new View(inventory, states), { host, action, before: new Set(before) });
}

const all = ['pg1', 'pg2', 'pg3'].map((name) => listed(name));
const sees = (...healthy: string[]): Partial<EtcdClusterState> => ({ members: all, healthy: healthy.map(client) });

describe('a restart of etcd', () => {
  it.each<{ title: string; scene: Scene; host?: string; before?: string[]; message?: string }>([
    { title: 'all members are healthy', scene: { seen: { pg1: sees('pg1', 'pg2', 'pg3') } } },
    {
      title: 'a member that the run leaves out is down',
      scene: { seen: { pg1: sees('pg1', 'pg2'), pg2: sees('pg1', 'pg2') } },
      message: 'pg1: pg3 is not healthy: a restart of etcd here would leave 1 of 3 members, and a quorum needs 2',
    },
    { title: 'the member itself is down', scene: { seen: { pg3: sees('pg1', 'pg2') } }, host: 'pg3' },
    { title: 'a member is down that the run starts earlier', scene: { seen: { pg1: sees('pg1', 'pg2') } }, before: ['pg3'] },
    {
      title: 'only one host sees a member as healthy',
      scene: { seen: { pg1: sees('pg1', 'pg2', 'pg3'), pg2: sees('pg1', 'pg2') } },
      message: 'pg1: pg3 is not healthy: a restart of etcd here would leave 1 of 3 members, and a quorum needs 2',
    },
    { title: 'a host that reaches no member is cut off itself', scene: { seen: { pg1: sees('pg1', 'pg2', 'pg3'), pg3: sees() } } },
    { title: 'no member is healthy, so that nothing is lost', scene: { seen: { pg1: sees(), pg2: {} } } },
    { title: 'no member answers', scene: { seen: {}, silent: ['pg1', 'pg2', 'pg3'] } },
    { title: 'the only member', scene: { count: 1, seen: { pg1: { members: [listed('pg1')], healthy: [client('pg1')] } } } },
    { title: 'one of two members', scene: { count: 2, seen: { pg1: { members: all.slice(0, 2), healthy: ['pg1', 'pg2'].map(client) } } } },
    {
      title: 'one of two members while the other is down',
      scene: { count: 2, seen: { pg1: { members: all.slice(0, 2), healthy: [client('pg1')] } } },
      message: 'pg1: pg2 is not healthy: a restart of etcd here would leave 0 of 2 members, and a quorum needs 2',
    },
    {
      title: 'a learner does not count',
      scene: {
        count: 4,
        seen: { pg1: { members: [...all, listed('pg4', { learner: true })], healthy: ['pg1', 'pg2', 'pg4'].map(client) } },
      },
      message: 'pg1: pg3 is not healthy: a restart of etcd here would leave 1 of 3 members, and a quorum needs 2',
    },
    {
      title: 'a member that is not in the inventory counts as down',
      scene: { count: 3, seen: { pg1: { members: [...all, listed('pg4')], healthy: ['pg1', 'pg2', 'pg3'].map(client) } } },
      message: 'pg1: https://10.0.0.4:2380 is not healthy: a restart of etcd here would leave 2 of 4 members, and a quorum needs 3',
    },
    {
      title: 'no host lists the members, so that those of the inventory count',
      scene: { seen: { pg1: { healthy: ['pg1', 'pg2'].map(client) } } },
      message: 'pg1: pg3 is not healthy: a restart of etcd here would leave 1 of 3 members, and a quorum needs 2',
    },
  ])('is decided in this case: $title', ({ scene, host = 'pg1', before = [], message }) => {
    const found = objection(scene, { host, action: 'restart', before });
    expect(found?.message).toBe(message);
    if (message !== undefined)
      expect(found).toMatchObject({
        kind: 'refuse',
        host,
        hint: expect.stringMatching(/^start etcd on |^see the journal of etcd on /u) as string,
      });
  });

  it.each([
    { title: 'a host that the run leaves out', pg3: {}, hint: 'start etcd on pg3 first, or add that host to this run (--host)' },
    {
      title: 'a host of the run, for example when the network fails',
      pg3: { pg3: sees('pg1', 'pg2') },
      hint: 'see the journal of etcd on pg3 and the network between the members, and run it again when all are healthy',
    },
  ])('names what to do about a member that is down on $title', ({ pg3, hint }) => {
    const scene = { seen: { pg1: sees('pg1', 'pg2'), pg2: sees('pg1', 'pg2'), ...pg3 } };
    expect(objection(scene, { host: 'pg1', action: 'restart' })?.hint).toBe(
      `${hint}; \`pgprov status ${inventories[2]?.file}\` shows the members`,
    );
  });

  it(`never takes the healthy members below a quorum, whatever hosts see (seed ${SEED})`, () => {
    const scene = fc.integer({ min: 1, max: 5 }).chain((count) =>
      fc.record({
        count: fc.constant(count),
        up: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
        inRun: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
        answers: fc.array(fc.boolean(), { minLength: count, maxLength: count }),
        // What a host misses that is up, for packets are lost; never does it see one that is down.
        missed: fc.array(fc.array(fc.boolean(), { minLength: count, maxLength: count }), { minLength: count, maxLength: count }),
        target: fc.integer({ min: 0, max: count - 1 }),
      }),
    );
    fc.assert(
      fc.property(scene, ({ count, up, inRun, answers, missed, target }) => {
        const names = NAMES.slice(0, count);
        const quorum = Math.floor(count / 2) + 1;
        const alive = names.filter((_, index) => up[index]);
        // Without a quorum nobody calls itself healthy.
        const healthy = alive.length >= quorum ? alive : [];
        const run = names.filter((_, index) => inRun[index] === true || index === target);
        const seen = Object.fromEntries(
          run
            .filter((name) => answers[names.indexOf(name)])
            .map((name) => [
              name,
              {
                members: names.map((each) => listed(each)),
                healthy: healthy.filter((each) => missed[names.indexOf(name)]?.[names.indexOf(each)] !== true).map(client),
              },
            ]),
        );
        fc.pre(healthy.length === 0 || Object.values(seen).some((each) => each.healthy.length > 0));
        const host = names[target] as string;
        const found = objection({ count, seen, silent: run.filter((name) => seen[name] === undefined) }, { host, action: 'restart' });
        const left = healthy.filter((name) => name !== host).length;
        if (found === undefined && healthy.length > 0) expect(left).toBeGreaterThanOrEqual(Math.min(quorum, count - 1));
        const allSee = Object.values(seen).every((each) => each.healthy.length === healthy.length);
        if (allSee && left >= quorum) expect(found).toBeUndefined();
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });
});

describe('a start of etcd', () => {
  const gone = listed('pg3');
  const wiped = /^pg3: the data of its etcd member is gone, while the other members still list it/u;

  it.each<{ title: string; scene: Scene; message?: RegExp; hint?: RegExp }>([
    { title: 'a member with data that was stopped', scene: { seen: { pg3: sees('pg1', 'pg2') } } },
    { title: 'a new cluster', scene: { seen: { pg1: {}, pg2: {}, pg3: {} }, empty: ['pg1', 'pg2', 'pg3'] } },
    {
      title: 'a member that never started while the others did',
      scene: { seen: { pg1: { members: [...all.slice(0, 2), { ...gone, clientUrls: [] }] }, pg3: {} }, empty: ['pg3'] },
    },
    {
      title: 'a bootstrap that was interrupted before it had a quorum',
      scene: { seen: { pg1: {}, pg2: {}, pg3: {} }, empty: ['pg2', 'pg3'] },
    },
    {
      title: 'a member that never started while the others are down',
      scene: { seen: { pg1: { started: ['pg1', 'pg2'], known: ['pg1', 'pg2', 'pg3'].map(peer) }, pg2: {}, pg3: {} }, empty: ['pg3'] },
    },
    {
      title: 'a member that the others do not list, and that is added before',
      scene: { seen: { pg1: { members: all.slice(0, 2) }, pg3: {} }, empty: ['pg3'], looked: all.slice(0, 2) },
    },
    {
      title: 'a member that the others do not list, and did not tell so when the run looked',
      scene: { seen: { pg1: { members: all.slice(0, 2) }, pg3: {} }, empty: ['pg3'] },
      message: /^pg3: the other members of etcd tell only now who they are/u,
      hint: /^run the same command again/u,
    },
    {
      title: 'a member that the others began without while they are down',
      scene: { seen: { pg1: { started: ['pg1', 'pg2'], known: [peer('pg1'), peer('pg2')] }, pg2: {}, pg3: {} }, empty: ['pg3'] },
      message: /^pg3: the other members of etcd, which began without it, have no quorum/u,
      hint: /^bring etcd back on the others first/u,
    },
    {
      title: 'a member whose data is gone',
      scene: { seen: { pg1: sees('pg1', 'pg2'), pg3: sees('pg1', 'pg2') }, empty: ['pg3'] },
      message: wiped,
      hint: /^(?:as root on pg1|on a member that works).*`etcdctl member remove [0-9a-f]{15,16}`; then run this again: pg3 joins anew\. Where another machine has its place, `pgprov replace [^`]* --host pg3 --dead`/u,
    },
    {
      title: 'a member whose data is gone, reported by its host alone',
      scene: { seen: { pg3: sees('pg1', 'pg2') }, empty: ['pg3'] },
      message: wiped,
    },
    {
      title: 'two of three whose data is gone, the third is down',
      scene: { seen: { pg1: { started: ['pg1', 'pg2', 'pg3'] }, pg2: {}, pg3: {} }, empty: ['pg2', 'pg3'] },
      message: wiped,
      hint: /^start etcd on the others first; then/u,
    },
    {
      title: 'two of three whose data is gone, the third is left out',
      scene: { seen: { pg2: {}, pg3: {} }, empty: ['pg2', 'pg3'] },
      message: /^pg3: etcd has no data here, and pg1, which may have the data of this etcd, was not asked/u,
      hint: /^select all members: --host pg1,pg2,pg3/u,
    },
    {
      title: 'a new cluster of which one host was lost on the way',
      scene: { seen: { pg1: {}, pg3: {} }, silent: ['pg2'], empty: ['pg1', 'pg2', 'pg3'] },
    },
    {
      title: 'two of three whose data is gone, the third is silent',
      scene: { seen: { pg2: {}, pg3: {} }, silent: ['pg1'], empty: ['pg2', 'pg3'] },
      message: /^pg3: etcd has no data here, and pg1, which/u,
    },
    {
      title: 'a member that was added by hand, or by a run that was interrupted',
      scene: {
        seen: { pg1: { members: [...all.slice(0, 2), { ...gone, id: '7', name: '', clientUrls: [] }] }, pg3: {} },
        empty: ['pg3'],
        looked: [...all.slice(0, 2), { ...gone, id: '7', name: '', clientUrls: [] }],
      },
    },
  ])('is decided in this case: $title', ({ scene, message, hint = /./u }) => {
    const found = objection(scene, { host: 'pg3', action: 'start' });
    if (message === undefined) expect(found).toBeUndefined();
    else
      expect(found).toMatchObject({
        kind: 'refuse',
        host: 'pg3',
        message: expect.stringMatching(message) as string,
        hint: expect.stringMatching(hint) as string,
      });
  });

  it('recognises the ids that etcd gives', () => {
    // Seen on etcd 3.5.16.
    expect(idOfNewMember(['https://10.213.168.11:2380'], 'demo')).toBe('1736833801603280267');
  });
});
