import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import remove from '../../src/operations/remove.js';
import replace from '../../src/operations/replace.js';
import type { LeavingOptions } from '../../src/operations/shared/leaving/options.js';
import { withAbsent } from '../../src/model/index.js';
import type { KeptFacts, OperationRun, OperationStart } from '../../src/plan/operation.js';
import { View } from '../../src/plan/view.js';
import { DATA_DIRECTORY } from '../../src/resources/data-directory.js';
import { DCS } from '../../src/resources/dcs.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { PATRONI_MEMBER } from '../../src/resources/patroni/member.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { LEFT_UNITS } from '../../src/resources/left-units.js';
import { PHYSICAL_SLOTS } from '../../src/resources/physical-slots.js';
import { REACHABILITY } from '../../src/resources/reachability.js';
import { retiredHandle } from '../../src/resources/retired-units.js';
import type { RoleContext } from '../../src/plan/role-context.js';
import type { IssuedCertificate } from '../../src/store/revocations.js';
import { contextOf, inventoryOf, MATERIAL, THREE } from '../support/inventory.js';
import { madeUp, type Made } from './made-up-run.js';

type Case = Made<LeavingOptions> & {
  yaml?: string;
  /** Members that etcd lists; default: all of three. */
  listed3?: readonly number[];
  /** Hosts whose server has a slot for pg3. */
  slots?: readonly string[];
  /** Hosts whose etcd runs. */
  etcdRuns?: readonly string[];
  /** Hosts that pg3's machine answers. */
  reached?: readonly string[];
  resumed?: true;
  /** What the control machine has of certificates. */
  kept?: Partial<KeptFacts['authority']>;
};

const GONE = THREE.replace(/ {2}pg3.*\n/u, '');
const ABSENT = THREE.replace('cluster_address: 10.0.0.3', 'cluster_address: 10.0.0.3, absent: true');
const OPTIONS: LeavingOptions = { host: 'pg3', slotsTtl: null };

/** pg3 is to go from three members, of which pg1 leads. */
async function run({
  yaml = THREE,
  listed3 = [1, 2, 3],
  slots = ['pg1', 'pg2'],
  etcdRuns = ['pg3'],
  reached = [],
  resumed,
  kept,
  ...made
}: Case): Promise<OperationRun<LeavingOptions>> {
  const options = { ...OPTIONS, ...made.options };
  const inventory = withAbsent(await inventoryOf(yaml), options.host ?? '');
  const members = listed3.map((number) => ({ name: `pg${number}`, peerUrls: [`https://10.0.0.${number}:2380`] }));
  const more = Object.fromEntries(
    [...new Set(['pg1', 'pg2', 'pg3', ...Object.keys(made.more ?? {})])].map((name) => [
      name,
      new Map<string, unknown>([
        [ETCD_MEMBER.id, { healthy: made.etcdDown?.includes(name) !== true, hasData: true, members }],
        [PHYSICAL_SLOTS.id, slots.includes(name) ? ['pg3', 'other'] : ['other']],
        [REACHABILITY.id, reached.includes(name) ? [{ address: '10.0.0.3', port: 22, result: 'refused' }] : []],
        [retiredHandle('services').id, []],
        [retiredHandle('store').id, etcdRuns.includes(name) ? ['etcd.service'] : []],
        ...(made.more?.[name] ?? []),
      ]),
    ]),
  );
  const made3 = madeUp(inventory, { ...made, options, more });
  const authority = { ...made3.kept.authority, ...kept };
  return { ...made3, kept: { ...made3.kept, authority }, catalog: CATALOG, ...(resumed === undefined ? {} : { resumed }) };
}

const ids = async (made: Case): Promise<string[]> =>
  remove.remaining(await run(made)).steps.map((step) => `${step.id}${'on' in step ? ` @${step.on.join()}` : ''}`);
const objection = async (made: Case): Promise<string | undefined> => remove.guards?.(await run(made))[0]?.message.split('\n')[0];
const problem = async (yaml: string, options: LeavingOptions): Promise<string | undefined> =>
  remove.problems?.({ inventory: await inventoryOf(yaml), options } as OperationStart<LeavingOptions>)[0]?.message;

/** pg3 has been stopped, and Patroni has its key no more. */
const OUT: Case = { stopped: ['pg3'], disabled: ['pg3'], listed3: [1, 2], slots: [], etcdRuns: [] };
const DEAD: Case = { away: ['pg3'], options: { dead: true }, slots: ['pg1'] };

describe('pgprov remove', () => {
  it.each<{ title: string; made: Case; left: string[] }>([
    {
      title: 'a standby, which is stopped before the others forget it',
      made: {},
      left: [
        'stop @pg3',
        'leave-store @pg1',
        'stop-store @pg3',
        'forget @pg1',
        'slots-ttl @pg1',
        'slots @pg1,pg2',
        'slots-ttl-back @pg1',
        'others',
        'mark',
      ],
    },
    {
      title: 'the leader, once another one leads',
      made: { leader: 'pg3', options: { to: 'pg2' }, slots: [] },
      left: ['hand-over @pg3', 'follow @pg2', 'stop @pg3', 'leave-store @pg1', 'stop-store @pg3', 'forget @pg2', 'others', 'mark'],
    },
    {
      title: 'what is lost, without reaching it',
      made: DEAD,
      left: ['leave-store @pg1', 'slots-ttl @pg1', 'slots @pg1', 'slots-ttl-back @pg1', 'others', 'mark'],
    },
    {
      title: 'what the inventory has no more',
      made: { ...DEAD, yaml: GONE },
      left: ['leave-store @pg1', 'slots-ttl @pg1', 'slots @pg1', 'slots-ttl-back @pg1', 'others'],
    },
    {
      title: 'what was given as dead, and is back before it is out, as one that lives',
      made: { ...DEAD, away: [], slots: [], listed3: [1, 2], resumed: true },
      left: ['stop @pg3', 'stop-store @pg3', 'forget @pg1', 'others', 'mark'],
    },
    {
      title: 'what was given as dead, is back, and has come to lead meanwhile',
      made: { ...DEAD, away: [], leader: 'pg3', listed: { pg1: { lag: 10 } }, slots: [], listed3: [1, 2], resumed: true },
      left: ['hand-over @pg3', 'follow @pg2', 'stop @pg3', 'stop-store @pg3', 'forget @pg2', 'others', 'mark'],
    },
    {
      title: 'what is absent in the inventory, which need not be changed',
      made: { ...OUT, yaml: ABSENT, resumed: true },
      left: ['others'],
    },
    {
      title: 'what another command has begun to',
      made: { ...OUT, slots: ['pg2'], config: { member_slots_ttl: 0 }, options: { slotsTtl: '10min' }, resumed: true },
      left: ['slots @pg2', 'slots-ttl-back @pg1', 'others', 'mark'],
    },
    {
      title: 'what is forgotten, where only member_slots_ttl is to be given back',
      made: { ...OUT, config: { member_slots_ttl: 0 }, resumed: true },
      left: ['slots-ttl-back @pg1', 'others', 'mark'],
    },
    { title: 'nothing that is gone', made: { ...OUT, yaml: ABSENT }, left: [] },
    {
      title: 'no slot that the inventory wants',
      made: { ...OUT, slots: ['pg1'], config: { slots: { pg3: { type: 'physical' } } } },
      left: ['others', 'mark'],
    },
  ])('takes out $title', async ({ made, left }) => expect(await ids(made)).toEqual(left));

  it('says what etcd bears then', async () => {
    const step = remove.remaining(await run({})).steps.find(({ id }) => id === 'leave-store');
    expect(step?.effect).toBe(
      'etcd then has 2 members and bears the loss of none: when one of them fails, the cluster takes no writes until it is back; add another soon',
    );
  });

  it.each<{ title: string; made: Case; says: string | undefined }>([
    { title: 'a standby', made: {}, says: undefined },
    {
      title: 'a standby that never comes up',
      made: { own: { pg3: { state: 'creating replica' } }, listed: { pg3: { state: 'creating replica' } } },
      says: undefined,
    },
    { title: 'the leader', made: { leader: 'pg3', options: { to: 'pg2' } }, says: undefined },
    {
      title: 'a leader that nobody can follow',
      made: { leader: 'pg3', listed: { pg1: { tags: { nofailover: true } }, pg2: { state: 'starting' } } },
      says: 'pg3 leads, and no standby can take the lead from it:',
    },
    {
      title: 'a host that neither the inventory nor the cluster has',
      made: { options: { host: 'pg9' }, slots: [] },
      says: 'there is no host "pg9"',
    },
    {
      title: 'a host while another one is out of reach',
      made: { away: ['pg2'] },
      says: 'pg2 cannot be reached, and pg3 has to be taken out of what it has, too',
    },
    {
      title: 'a host out of reach',
      made: { away: ['pg3'] },
      says: 'pg3 does not answer, and nobody but you knows whether it comes back',
    },
    { title: 'a host that is dead', made: DEAD, says: undefined },
    { title: 'a host that answers, as dead', made: { options: { dead: true } }, says: 'pg3 answers, so it is not dead' },
    { title: 'a host that answers again, once it was begun', made: { options: { dead: true }, resumed: true }, says: undefined },
    {
      title: 'a host that is back while it is taken out, and that this command does not reach',
      made: { ...DEAD, reached: ['pg2'], done: ['leave-store'] },
      says: 'pg3 cannot be reached from here, and lives: its machine answers pg2',
    },
    {
      title: 'a host that only pgprov does not reach',
      made: { ...DEAD, reached: ['pg2'] },
      says: 'pg3 cannot be reached from here, and lives: its machine answers pg2',
    },
    {
      title: 'a host of which the inventory does not say where it is, while it lives',
      made: {
        yaml: GONE,
        own: {
          pg1: {
            replication: [
              { application: 'pg2', state: 'streaming', syncState: 'async' },
              { application: 'pg3', state: 'streaming', syncState: 'async' },
            ],
          },
        },
      },
      says: 'pg3 cannot be reached from here, and lives: it streams from pg1',
    },
    { title: 'a host while nobody leads', made: { leader: null }, says: 'the cluster has no leader, so nobody can be taken out of it' },
    {
      title: 'a host in maintenance mode',
      made: { config: { pause: true } },
      says: 'the cluster is in maintenance mode, in which Patroni leaves the members alone',
    },
    {
      title: 'the last synchronous standby',
      made: { config: { synchronous_mode: true }, listed: { pg2: { state: 'starting' } } },
      says: 'with synchronous_mode pg1 needs a standby that streams, and without pg3 there is none',
    },
    {
      title: 'a host while no member of etcd tells who they are',
      made: { listed3: [] },
      says: 'no member of etcd tells who its members are, so nobody knows whether pg3 is one',
    },
    {
      title: 'a host without which etcd has no quorum',
      made: { etcdDown: ['pg2'] },
      says: 'pg2 is not healthy: without pg3 too few of the 2 members of etcd that are left would work for a quorum',
    },
  ])('decides about $title', async ({ made, says }) => expect(await objection(made)).toBe(says));

  it('says once that a machine is back which was given as dead, and what to do while it is not reached', async () => {
    const told = async (made: Case): Promise<string[]> =>
      remove.remaining(await run(made)).steps.flatMap(({ id, tells }) => (tells === undefined ? [] : [`${id}: ${tells}`]));
    const back: Case = { ...DEAD, away: [], resumed: true };
    const says = 'pg3 answers again, though it was given as dead: it goes on as one that lives, and is stopped first';
    expect(await told(back)).toEqual([`stop: ${says}`]);
    expect(await told({ ...back, stopped: ['pg3'], disabled: ['pg3'] })).toEqual([`stop-store: ${says}`]);
    expect(await told({ ...back, stopped: ['pg3'], disabled: ['pg3'], done: ['stop'] })).toEqual([]);
    expect(await told({ resumed: true })).toEqual([]);
    const away = await run({ ...DEAD, reached: ['pg2'], done: ['leave-store'] });
    expect(remove.guards?.(away)[0]?.hint).toMatch(/^give the same command again once pg3 answers .*: it is then stopped first/u);
    expect(remove.question?.(await run(back))).toBe('Take pg3 out of demo?');
    expect(remove.question?.(await run(DEAD))).toBe('Take pg3, whose machine is lost for good, out of demo?');
  });

  const five = (absent: string): string =>
    `${THREE}  pg4: {address: 192.0.2.4, cluster_address: 10.0.0.4}\n  pg5: {address: 192.0.2.5, cluster_address: 10.0.0.5${absent}}\n`;
  const BOTH = five(', absent: true').replace('cluster_address: 10.0.0.3', 'cluster_address: 10.0.0.3, absent: true');
  const lost: Case = { away: ['pg3', 'pg5'], options: { dead: true }, slots: [], listed3: [1, 2, 3, 4, 5] };

  it('takes out one of two that are lost, where both are absent, and says so where they are not', async () => {
    expect(remove.guards?.(await run({ ...lost, yaml: BOTH }))).toEqual([]);
    const steps = remove.remaining(await run({ ...lost, yaml: BOTH })).steps;
    expect(steps.map(({ id, effect }) => `${id}${effect === undefined ? '' : `: ${effect}`}`)).toEqual([
      'leave-store: etcd then has 4 members and bears the loss of 1',
      'others',
    ]);
    expect(steps.at(-1)).toMatchObject({ converge: { without: ['pg3'], leavesAbsent: true } });
    const [away] = remove.guards?.(await run({ ...lost, yaml: five('') })) ?? [];
    expect(away?.hint).toMatch(/^nothing was changed; .* gone for good, too, write `absent: true` below pg5 and pg3 in the inventory/u);
    const begun = await run({ ...lost, yaml: five(''), resumed: true });
    expect(remove.guards?.(begun)[0]?.hint).toMatch(/^nothing more was changed/u);
  });

  it('counts who is absent and in etcd yet as one that does not work, and has it go first where it leads', async () => {
    const pg2 = THREE.replace('cluster_address: 10.0.0.2', 'cluster_address: 10.0.0.2, absent: true');
    expect(await objection({ yaml: pg2, slots: [] })).toBe(
      'pg2 is not healthy: without pg3 too few of the 2 members of etcd that are left would work for a quorum',
    );
    expect(await objection({ yaml: pg2, slots: [], listed3: [1, 3] })).toBeUndefined();
    expect(await objection({ ...lost, yaml: BOTH, leader: 'pg5' })).toBe('pg5 leads, and is absent in the inventory');
    const joining = {
      ...lost,
      yaml: `${BOTH}  pg6: {address: 192.0.2.6, cluster_address: 10.0.0.6}\n`,
      options: { dead: true, by: 'pg6' },
    };
    const empty = new Map<string, unknown>([
      [ETCD_MEMBER.id, { healthy: false, hasData: false, members: [] }],
      [DATA_DIRECTORY.id, { kind: 'empty' }],
    ]);
    expect(replace.guards?.(await run({ ...joining, more: { pg6: empty } }))[0]?.message).toBe(
      'pg5 is absent in the inventory, and a member of etcd yet, which takes another member only while all that it has are up',
    );
  });

  const apart = `${THREE}  e1: {address: 192.0.2.9, cluster_address: 10.0.0.9, roles: [base, etcd]}\n`;
  it.each<{ title: string; yaml: string; options: LeavingOptions; says: string | undefined }>([
    { title: 'no host', yaml: THREE, options: {}, says: 'which host is to go?' },
    { title: 'a host', yaml: THREE, options: OPTIONS, says: undefined },
    { title: 'a host of etcd alone', yaml: apart, options: { host: 'e1' }, says: undefined },
    {
      title: 'the only member',
      yaml: 'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n',
      options: { host: 'pg1' },
      says: 'pg1 is the only member of demo: without it there would be none',
    },
    {
      title: 'the only member of etcd',
      yaml: 'cluster: demo\nroles: [base, pgdg, postgresql, replication, patroni]\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n  e1: {address: 10.0.0.9, roles: [base, etcd]}\n',
      options: { host: 'e1' },
      says: 'e1 is the only member of etcd: without it Patroni could not go on',
    },
    {
      title: 'the host of the repository',
      yaml: 'cluster: demo\nroles: [base, pgdg, postgresql, replication, etcd, patroni, backup]\nhosts:\n  pg1: 10.0.0.1\n  pg2: 10.0.0.2\n  repo1: {address: 10.0.0.9, roles: [base, pgdg, backup-repository]}\n',
      options: { host: 'repo1' },
      says: 'repo1 has the repository of the backups, which would go with it',
    },
    { title: 'a member of a cluster in Consul', yaml: `${THREE}dcs: consul\n`, options: OPTIONS, says: undefined },
  ])('decides before it connects about $title', async ({ yaml, options, says }) => expect(await problem(yaml, options)).toBe(says));

  it('gives member_slots_ttl back when it is given up, and knows what one that was given up has left', async () => {
    const { hinders } = remove;
    const given = async (made: Case): Promise<string[]> =>
      hinders?.steps(await run(made)).map(({ id, on, title }) => `${id} @${on.join()}: ${title}`) ?? [];
    for (const member_slots_ttl of ['0s', 0]) {
      expect(await given({ ...DEAD, config: { member_slots_ttl } })).toEqual([
        'slots-ttl-back @pg1: give member_slots_ttl back its default',
      ]);
      expect(await given({ config: { member_slots_ttl }, options: { slotsTtl: '10min' } })).toEqual([
        'slots-ttl-back @pg1: give member_slots_ttl back 10min',
      ]);
    }
    expect(await given({ config: { member_slots_ttl: '30min' } })).toEqual([]);
    expect(await given({ registered: null, config: { member_slots_ttl: '0s' } })).toEqual([]);
    expect(hinders?.unasked(await run({ registered: null }))).toContain('no member reaches etcd, so member_slots_ttl may be 0s yet');
    expect(hinders?.unasked(await run({}))).toBeUndefined();
    const role = async (options: LeavingOptions): Promise<string | undefined> =>
      hinders?.role({ inventory: await inventoryOf(THREE), options });
    expect(await Promise.all([{ slotsTtl: null }, { slotsTtl: '1h' }, { slotsTtl: 0 }, {}].map(role))).toEqual([
      'patroni',
      'patroni',
      undefined,
      undefined,
    ]);
    const chosen = async (yaml: string, member_slots_ttl: string | number): Promise<unknown> =>
      remove.choose?.(await run({ yaml, config: { member_slots_ttl } }))?.slotsTtl;
    const wanting = `${THREE}patroni: {dynamic: {member_slots_ttl: 10min}}\n`;
    expect([await chosen(THREE, '0s'), await chosen(wanting, '0s'), await chosen(THREE, 0), await chosen(wanting, '5min')]).toEqual([
      null,
      '10min',
      0,
      '5min',
    ]);
    expect(await ids({ ...OUT, yaml: ABSENT, config: { member_slots_ttl: '0s' } })).toEqual(['slots-ttl-back @pg1', 'others']);
  });

  it('chooses the best standby in place of a leader, and keeps member_slots_ttl as it was', async () => {
    const made = await run({ leader: 'pg3', listed: { pg1: { lag: 10 } }, config: { member_slots_ttl: '1h' } });
    expect(remove.choose?.(made)).toMatchObject({ host: 'pg3', to: 'pg2', slotsTtl: '1h' });
  });
});

/** A certificate of a host as it is kept, by its serial. */
const issued = (serial: string, address: string): IssuedCertificate => ({ serial, until: '2099-01-01T00:00:00.000Z', names: [address] });
const OF_PG3 = issued('AB12', '10.0.0.3');
const KEPT = {
  issued: new Map([
    ['pg1', [issued('CD34', '10.0.0.1')]],
    ['pg3', [OF_PG3]],
  ]),
};
const REVOKED = { ...KEPT, revoked: [{ ...OF_PG3, host: 'pg3', since: '2026-01-01T00:00:00.000Z' }] };

describe('the certificates of who goes', () => {
  const chosen = async (made: Case): Promise<OperationRun<LeavingOptions>> => {
    const first = await run(made);
    return { ...first, options: remove.choose?.(first) ?? first.options };
  };
  const left = async (made: Case): Promise<string[]> => remove.remaining(await chosen(made)).steps.map(({ id }) => id);

  it('are revoked once it is out, and tried before it counts as refused', async () => {
    expect((await chosen({ kept: KEPT })).options.serials).toBe('AB12');
    expect(await left({ ...DEAD, slots: [], kept: KEPT })).toEqual(['leave-store', 'revoke', 'others', 'fence', 'mark']);
    expect(await left({ ...DEAD, slots: [], kept: REVOKED })).toEqual(['leave-store', 'others', 'fence', 'mark']);
    const steps = remove.remaining(await chosen({ ...DEAD, kept: KEPT })).steps;
    expect(steps.find(({ id }) => id === 'fence')).toMatchObject({ on: ['pg1', 'pg2'], title: 'see that etcd on pg1 and pg2 refuses pg3' });
  });

  it('are revoked as well of one that was taken out before pgprov did so', async () => {
    const gone: Case = { ...OUT, yaml: ABSENT };
    expect(await left({ ...gone, kept: KEPT })).toEqual(['revoke', 'others', 'fence']);
    expect(await left({ ...gone, kept: REVOKED })).toEqual([]);
  });

  it('are cut off by the addresses that nobody else has', async () => {
    const made = await chosen({ ...DEAD, kept: KEPT });
    const [step] = remove.remaining(made).steps.filter(({ id }) => id === 'fence');
    if (step === undefined || !('on' in step)) throw new Error('no step on hosts');
    const [context, more] = [['10.0.0.3', '10.0.0.1'], ['10.0.0.1']].map((names) => ({
      ...contextOf(made.inventory, 'pg1'),
      credentials: { ...MATERIAL, revoked: [{ ...OF_PG3, names, host: 'pg3', since: '' }] },
    }));
    expect(step.resources?.(context as RoleContext).map(({ id }) => id)).toEqual(['clients-cut:2379:pg3']);
    expect(step.resources?.(more as RoleContext)).toEqual([]);
    expect(step.gates?.(context as RoleContext).map(({ title }) => title)).toEqual([
      'etcd refuses the certificates of pg3, and accepts those of its members',
    ]);
  });

  it.each<{ title: string; made: Case; says: string | undefined }>([
    { title: 'where all is well', made: { kept: KEPT }, says: undefined },
    {
      title: 'where the key of the authority is elsewhere',
      made: { kept: { ...KEPT, signs: false } },
      says: 'the certificate of pg3 could not be revoked: the key of the cluster’s authority is not in .pgprov/demo/pki/ beside the inventory',
    },
    { title: 'where it is revoked, which takes no key', made: { kept: { ...REVOKED, signs: false } }, says: undefined },
    {
      title: 'where one that stays has it',
      made: {
        kept: {
          issued: new Map([
            ['pg1', [OF_PG3]],
            ['pg3', [OF_PG3]],
          ]),
        },
      },
      says: 'pg1 has a certificate that pg3 has had, and would be shut out with it',
    },
  ])('are looked at before anything is done: $title', async ({ made, says }) =>
    expect(remove.guards?.(await chosen(made))[0]?.message).toBe(says),
  );

  it('are said to be accepted where nobody knows them, and are claimed to be refused only once they were tried', async () => {
    const unknown = await chosen({ ...DEAD });
    expect(remove.leaves?.(unknown)[0]).toMatchObject({
      message:
        'pg3 is out of demo, and etcd accepts its certificate yet: there is no .pgprov/demo/pki/nodes/pg3.crt beside the inventory, so its serial is not known here',
      hint: expect.stringMatching(/certs renew \S+ --ca/u) as string,
    });
    expect(remove.leaves?.(await chosen({ ...DEAD, kept: KEPT }))).toEqual([]);
    const proof = async (made: Case): Promise<boolean | undefined> =>
      remove.checks?.(await chosen(made)).find(({ title }) => title === 'etcd refuses the certificates of pg3')?.ok;
    expect(await proof({ ...DEAD, kept: REVOKED })).toBe(false);
    expect(await proof({ ...DEAD, kept: KEPT, done: ['fence'] })).toBe(false);
    expect(await proof({ ...DEAD, kept: REVOKED, done: ['fence'] })).toBe(true);
    expect(await proof({ ...DEAD, done: ['fence'] })).toBeUndefined();
  });
});

describe('pgprov remove --role', () => {
  const MEMBER = 'roles: [base, pgdg, postgresql, replication, patroni]';
  const without = (...numbers: readonly number[]): string =>
    numbers.reduce(
      (yaml, number) => yaml.replace(`cluster_address: 10.0.0.${number}`, `cluster_address: 10.0.0.${number}, ${MEMBER}`),
      THREE,
    );
  const fresh = '  e1: {address: 192.0.2.9, cluster_address: 10.0.0.9, roles: [base, etcd]}\n';
  const setUp = (cluster = 'demo'): readonly [string, unknown] => [LEFT_UNITS.id, [{ unit: 'etcd', active: true, cluster }]];
  const former = (...units: readonly string[]): readonly [string, unknown] => [retiredHandle('former-store').id, units];
  const RUNS = new Map([setUp(), former('etcd.service')]);
  const base: Case = { yaml: without(3), options: { role: 'etcd' }, slots: [], more: { pg3: RUNS } };
  const roleRun = async (made: Case): Promise<OperationRun<LeavingOptions>> => {
    const given = await run({ ...base, ...made });
    const { host: _host, ...options } = given.options;
    return made.options?.host === undefined ? { ...given, options } : given;
  };

  it.each<{ title: string; made: Case; left: string[] }>([
    { title: 'a host that has lost it', made: {}, left: ['leave-store-pg3 @pg1', 'stop-store-pg3 @pg3', 'bring'] },
    {
      title: 'several, one after the other',
      made: { yaml: without(2, 3), more: { pg2: RUNS, pg3: RUNS } },
      left: ['leave-store-pg2 @pg1', 'stop-store-pg2 @pg2', 'leave-store-pg3 @pg1', 'stop-store-pg3 @pg3', 'bring'],
    },
    { title: 'one that is stopped, and counted on yet', made: { more: {} }, left: ['leave-store-pg3 @pg1', 'bring'] },
    {
      title: 'one that another command has taken out',
      made: { listed3: [1, 2], options: { role: 'etcd', host: 'pg3' }, resumed: true },
      left: ['stop-store-pg3 @pg3', 'bring'],
    },
    { title: 'none that is not in it', made: { listed3: [1, 2], more: {} }, left: [] },
    {
      title: 'none of another cluster',
      made: { listed3: [1, 2], more: { pg3: new Map([setUp('other'), former('etcd.service')]) } },
      left: [],
    },
  ])('takes the store from $title', async ({ made, left }) => {
    const { steps } = remove.remaining(await roleRun(made));
    expect(steps.map((step) => `${step.id}${'on' in step ? ` @${step.on.join()}` : ''}`)).toEqual(left);
  });

  it.each<{ title: string; made: Case; says: string | undefined }>([
    { title: 'one of three', made: {}, says: undefined },
    {
      title: 'one of two that have lost it',
      made: { yaml: without(2, 3), more: { pg2: RUNS, pg3: RUNS }, options: { role: 'etcd', host: 'pg3' } },
      says: 'pg2 has the role etcd no more in the inventory either, and is a member of etcd',
    },
    {
      title: 'one in whose place another one comes',
      made: { yaml: `${without(3)}${fresh}` },
      says: 'e1 has the role etcd, and is no member of etcd yet, which would have fewer members than now without pg3',
    },
    {
      title: 'all, while those that come in their place are no members',
      made: {
        yaml: `${without(1, 2, 3)}${fresh}`,
        more: { pg1: RUNS, pg2: RUNS, pg3: RUNS },
      },
      says: 'e1 has the role etcd, and is no member of etcd yet, which would have fewer members than now without pg1, pg2 and pg3',
    },
    {
      title: 'one while another host is away',
      made: { away: ['pg2'] },
      says: 'pg2 cannot be reached, and every host has to know the members of etcd',
    },
    {
      title: 'one without which there is no quorum',
      made: { etcdDown: ['pg2'] },
      says: 'pg2 is not healthy: without pg3 too few of the 2 members of etcd that are left would work for a quorum',
    },
    {
      title: 'a host whose unit is of another inventory',
      made: { options: { role: 'etcd', host: 'pg3' }, more: { pg3: new Map([setUp('other'), former('etcd.service')]) } },
      says: 'the unit of etcd on pg3 is one of another inventory, which is not to be stopped',
    },
  ])('decides about $title', async ({ made, says }) => expect(remove.guards?.(await roleRun(made))[0]?.message).toBe(says));

  it.each<{ title: string; yaml?: string; options: LeavingOptions; says: string | undefined }>([
    { title: 'a host that has lost it', options: { host: 'pg3', role: 'etcd' }, says: undefined },
    { title: 'no host, which are all that have', options: { role: 'etcd' }, says: undefined },
    { title: 'another role', options: { host: 'pg3', role: 'haproxy' }, says: 'no operation takes the role haproxy from a host' },
    {
      title: 'a host that is dead',
      options: { host: 'pg3', role: 'etcd', dead: true },
      says: 'with --role the host stays in the cluster, so its machine is not lost',
    },
    {
      title: 'a host that has it yet',
      options: { host: 'pg2', role: 'etcd' },
      says: 'the inventory gives pg2 the role etcd, so the next run would make it a member of etcd again',
    },
    { title: 'a host that there is not', options: { host: 'pg9', role: 'etcd' }, says: 'there is no host "pg9"' },
    {
      title: 'all hosts',
      yaml: without(1, 2, 3),
      options: { role: 'etcd' },
      says: 'no host of the inventory has the role etcd: without a member of etcd Patroni could not go on',
    },
  ])('decides before it connects about $title', async ({ yaml = without(3), options, says }) =>
    expect(await problem(yaml, options)).toBe(says),
  );

  it('keeps in mind whose it takes, and says what etcd bears then', async () => {
    const given = await roleRun({ yaml: without(2, 3), more: { pg2: RUNS, pg3: RUNS } });
    expect(remove.choose?.(given)).toMatchObject({ role: 'etcd', host: 'pg2,pg3' });
    const effects = remove.remaining(given).steps.flatMap(({ effect }) => effect ?? []);
    expect(effects.map((effect) => effect.split(':')[0])).toEqual([
      'etcd then has 2 members and bears the loss of none',
      'etcd then has one member and bears the loss of none',
    ]);
  });
});

describe('pgprov replace', () => {
  const NEW = `${THREE.replace('cluster_address: 10.0.0.3', 'cluster_address: 10.0.0.3, absent: true')}  pg4: {address: 192.0.2.4, cluster_address: 10.0.0.4}\n`;
  const EMPTY = {
    pg3: new Map<string, unknown>([
      [ETCD_MEMBER.id, { healthy: false, hasData: false, members: [] }],
      [DATA_DIRECTORY.id, { kind: 'empty' }],
    ]),
  };
  /** pg3 has a new machine, on which nothing is. */
  const inPlace: Case = {
    own: { pg3: null },
    listed: {},
    registered: {},
    more: EMPTY,
    slots: ['pg1'],
    etcdRuns: [],
    options: { by: 'pg3', dead: true },
  };
  const forgotten = (made: OperationRun<LeavingOptions>): OperationRun<LeavingOptions> => {
    const states = new Map(
      made.inventory.hosts.map(({ name }) => {
        const dcs = made.view.read(name, DCS);
        const members = dcs?.reachable === true ? dcs.members.filter((member) => member.name !== 'pg3') : [];
        const own = made.view.read(name, PATRONI_MEMBER);
        const without =
          own?.answers === true ? { ...own, replication: [], cluster: own.cluster.filter((each) => each.name !== 'pg3') } : own;
        const seen = [ETCD_MEMBER, DATA_DIRECTORY, PHYSICAL_SLOTS, HOST_FACTS].map(
          (handle) => [handle.id, made.view.read(name, handle as never)] as const,
        );
        return [name, new Map<string, unknown>([...seen, [DCS.id, { ...dcs, members }], [PATRONI_MEMBER.id, without]])];
      }),
    );
    return { ...made, view: new View(made.inventory, states) };
  };

  it('takes the former machine out, and has the new one of its name join', async () => {
    const made = forgotten(await run(inPlace));
    expect(replace.remaining(made).steps.map(({ id, title }) => `${id}: ${title}`)).toEqual([
      'leave-store: take pg3 out of the members of etcd',
      'others: bring pg1 and pg2 to what the inventory says, and have pg3 join them as a new member',
    ]);
    expect(replace.guards?.(made)).toEqual([]);
    const asked = { ...made, options: { ...made.options, dead: false } };
    expect(replace.guards?.(asked)[0]?.message).toBe('nobody but you knows whether the former machine of pg3 comes back');
  });

  it('revokes what the former machine has, and not what the new one of its name gets meanwhile', async () => {
    const made = forgotten(await run({ ...inPlace, kept: KEPT }));
    const options = replace.choose?.(made) ?? made.options;
    expect(options.serials).toBe('AB12');
    const authority = { ...made.kept.authority, ...REVOKED, issued: new Map([['pg3', [OF_PG3, issued('EF56', '10.0.0.3')]]]) };
    const later = { ...made, options, resumed: true as const, kept: { ...made.kept, authority } };
    expect(replace.remaining(later).steps.map(({ id }) => id)).toEqual(['leave-store', 'list', 'others', 'fence']);
    expect(replace.remaining(later).steps.at(-1)).toMatchObject({ on: ['pg1', 'pg2', 'pg3'] });
    // Who is yet to join has nobody prove anything.
    expect(replace.remaining(later).steps[1]).toMatchObject({ changes: ['pg1', 'pg2'], converge: { roles: ['etcd'], without: ['pg3'] } });
    const brought = { ...later, done: new Set(['list']) };
    expect(replace.remaining(brought).steps.map(({ id }) => id)).toEqual(['leave-store', 'others', 'fence']);
  });

  it('is refused while the former machine lives, or the new one has data', async () => {
    expect(replace.guards?.(await run(inPlace))[0]?.message).toContain('the former machine of pg3 lives: its Patroni is registered');
    expect(replace.guards?.(await run({ ...inPlace, more: {} }))[0]?.message).toBe('pg3 has data already, so it is no new machine');
  });

  it('has another host join that the inventory must have', async () => {
    const start = async (by: string): Promise<string | undefined> =>
      replace.problems?.({ inventory: await inventoryOf(NEW), options: { host: 'pg3', by } } as OperationStart<LeavingOptions>)[0]?.message;
    expect(await start('pg9')).toContain('pg9');
    expect(await start('pg4')).toBeUndefined();
  });
});
