import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { dynamicConfiguration } from '../../roles/shared/dynamic.js';
import { debian13 } from '../../src/platform/debian.js';
import type { States } from '../../src/plan/plan.js';
import { buildHostWork, type RunStage } from '../../src/plan/host-work.js';
import { View } from '../../src/plan/view.js';
import { firstMember, patroniLeadership } from '../../roles/shared/patroni/leadership.js';
import { sortWaves, startsSomething } from '../../src/plan/waves.js';
import { DATA_DIRECTORY } from '../../src/resources/data-directory.js';
import { firstConfiguration } from '../../src/resources/dynamic-config.js';
import { DCS, type DcsState } from '../../src/resources/dcs.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import { HOST_FACTS } from '../../src/resources/host-facts.js';
import { PATRONI_MEMBER } from '../../src/resources/patroni/member.js';
import type { Resource } from '../../src/resources/resource.js';
import { DEPTH, tries } from '../support/depth.js';
import { told } from '../support/http-answers.js';
import { contextOf, inventoryOf, MATERIAL, THREE } from '../support/inventory.js';
import { patience } from '../support/patience.js';

/** What is in a host's data directory, and what it is in truth. */
interface Disk {
  kind: 'none' | 'empty' | 'half' | 'valid' | 'running' | 'starting' | 'truncated' | 'zero' | 'misowned' | 'other cluster' | 'other major';
  timeline: number;
  /** Where its last WAL record starts, as far as the members' one history goes. */
  last: number;
  /** Which of two histories of its timeline it has. */
  line: 'a' | 'b';
  state: 'shut down' | 'in production' | 'shut down in recovery' | 'in archive recovery';
  /** pg_waldump can read it. */
  readable: boolean;
  /** Anybody was ever served from it; what never served is what a bootstrap of pgprov's left that was broken off. */
  served: boolean;
}

/** One host. */
interface Machine {
  disk: Disk;
  unit: 'enabled' | 'disabled' | 'masked' | 'running';
  noted: boolean;
  /** `other`: by pgprov, for another scope. */
  configured: 'no' | 'yes' | 'other';
  etcdData: boolean;
  inRun: boolean;
}

interface World {
  machines: [Machine, Machine, Machine];
  /** What etcd knows of the scope. */
  store: 'empty' | 'mark' | 'other identifier' | 'ours';
  /** Its dynamic configuration is not the inventory's, so that a run corrects it. */
  wrong: boolean;
  /** It is down when the run begins, which then starts it. */
  away: boolean;
  /** Index of the machine that etcd has as the leader; of none. */
  leader: number | undefined;
}

const disk: fc.Arbitrary<Disk> = fc.record({
  kind: fc.oneof(
    {
      weight: 3,
      arbitrary: fc.constantFrom(
        'none',
        'empty',
        'half',
        'running',
        'starting',
        'truncated',
        'zero',
        'misowned',
        'other cluster',
        'other major',
      ),
    },
    { weight: 4, arbitrary: fc.constant('valid') },
  ) as fc.Arbitrary<Disk['kind']>,
  timeline: fc.integer({ min: 1, max: 3 }),
  last: fc.integer({ min: 1, max: 3 }),
  line: fc.oneof({ weight: 9, arbitrary: fc.constant('a' as const) }, { weight: 1, arbitrary: fc.constant('b' as const) }),
  state: fc.constantFrom('shut down', 'in production', 'shut down in recovery', 'in archive recovery'),
  readable: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  served: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
});
const machine: fc.Arbitrary<Machine> = fc
  .record({
    disk,
    unit: fc.constantFrom('enabled', 'disabled', 'masked', 'running'),
    noted: fc.boolean(),
    configured: fc.oneof(
      { weight: 6, arbitrary: fc.constant('yes') },
      { weight: 1, arbitrary: fc.constantFrom('no', 'other') },
    ) as fc.Arbitrary<Machine['configured']>,
    etcdData: fc.boolean(),
    inRun: fc.oneof({ weight: 9, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
  })
  .map((made): Machine => {
    // pgprov enables a member once it has its data, and writes the note before the first start.
    if (made.disk.served || made.disk.kind !== 'valid') return made;
    return {
      ...made,
      noted: true,
      unit: made.unit === 'enabled' ? 'disabled' : made.unit,
      disk: { ...made.disk, timeline: 1, state: made.disk.last > 1 ? 'in production' : 'shut down' },
    };
  });
const world: fc.Arbitrary<World> = fc
  .record({
    machines: fc.tuple(machine, machine, machine),
    store: fc.oneof(
      { weight: 2, arbitrary: fc.constant('ours') },
      { weight: 3, arbitrary: fc.constantFrom('empty', 'mark', 'other identifier') },
    ) as fc.Arbitrary<World['store']>,
    wrong: fc.boolean(),
    away: fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
    leader: fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 }) }),
  })
  // A quorum that lost its data knows nothing any more.
  .map(
    (made): World => (made.machines.filter(({ etcdData }) => etcdData).length < 2 ? { ...made, store: 'empty', leader: undefined } : made),
  );

const NAMES = ['pg1', 'pg2', 'pg3'] as const;
const inventory = await inventoryOf(THREE);
const shapes = new Map(NAMES.map((name) => [name as string, buildHostWork(CATALOG, contextOf(inventory, name))]));
const stagesOf = (name: string): Resource[] => shapes.get(name)?.stages.flatMap(({ stage }) => stage.resources) ?? [];
/** What decides about data in the stages of Patroni. */
const DECIDE = [
  'interrupted-copy:',
  'interrupted-bootstrap',
  'sound-data:',
  'halted:',
  'patroni-config:demo:stuck',
  'service:patroni',
  'enabled:patroni',
];

const JUDGES = CATALOG.filter(({ name }) => name === 'patroni' || name === 'postgresql');
const AWAY: DcsState = { reachable: false, why: 'x' };

const lsn = (at: number): string => `0/${at}000028`;

/** The answer of a host about its data directory. */
function dataAnswer(on: Disk): string {
  const { kind, timeline, last, line, state, readable, served } = on;
  if (kind === 'none' || kind === 'empty') return `kind=${kind === 'none' ? 'absent' : 'empty'}\n`;
  if (kind === 'half') return 'kind=cluster\nversion=17\ncontrol=missing\n';
  if (kind === 'zero') return 'kind=cluster\nversion=17\ncontrol=zero\n';
  const identifier = kind === 'other cluster' ? '9' : '7';
  if (kind === 'truncated') return `kind=cluster\nversion=17\nidentifier=${identifier}\ncontrol=truncated\n`;
  const running = hasServer(on);
  return [
    'kind=cluster',
    `version=${kind === 'other major' ? 16 : 17}`,
    `identifier=${identifier}`,
    'checksums=1',
    `state=${state}`,
    `checkpoint=${lsn(state === 'shut down' ? last : 1)}`,
    `timeline=${timeline}`,
    `next-oid=${served ? 24_576 : 13_572}`,
    'recovery-timeline=0',
    ...(timeline > 1 ? [`history=0000000${timeline}`, `fork=${timeline - 1} 0/${line}`] : []),
    ...(running ? ['running=yes'] : readable ? [`last=${lsn(last)}`] : []),
    ...(kind === 'misowned' ? ['misowned=/d/base/1'] : []),
    '',
  ].join('\n');
}

/** Patroni has noted each end of a timeline, of both histories. */
const ENDS = [1, 2, 3].flatMap((timeline) => [0xa, 0xb].map((at) => ({ timeline, at, reason: 'x', time: undefined, leader: undefined })));

function storeOf({ store, leader, wrong }: World): DcsState {
  const initialize = store === 'empty' ? undefined : store === 'mark' ? '' : store === 'other identifier' ? '8' : '7';
  return {
    reachable: true,
    initialize,
    leader: store === 'ours' && leader !== undefined ? NAMES[leader] : undefined,
    members: [],
    config: wrong ? { ttl: 99 } : firstConfiguration(dynamicConfiguration(contextOf(inventory, 'pg1'))),
    ...(store === 'ours' ? { timelineEnds: ENDS } : {}),
  };
}

/** The keys of the scope as etcd's gateway gives them. */
function keysOf(dcs: DcsState): string {
  if (!dcs.reachable) return '';
  const keys = Object.entries({ initialize: dcs.initialize, leader: dcs.leader, config: JSON.stringify(dcs.config) }).filter(
    ([, value]) => value !== undefined,
  );
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return JSON.stringify({
    header: {},
    kvs: keys.map(([key, value]) => ({ key: base64(`/service/demo/${key}`), value: base64(value ?? ''), mod_revision: '1' })),
  });
}

const restOf = (name: string): string => `http://10.0.0.${NAMES.indexOf(name as 'pg1') + 1}:8008`;

/** Everything that a host answered, of what guards and the stages of Patroni ask. */
function statesOf(name: string, { disk: on, unit, noted, configured, etcdData }: Machine, dcs: DcsState): States {
  const data = dataAnswer(on);
  const active = unit === 'running';
  const units = `Names=patroni.service\nLoadState=${unit === 'masked' ? 'masked' : 'loaded'}\nUnitFileState=${active ? 'enabled' : unit}\nActiveState=${active ? 'active' : 'inactive'}\n`;
  const leads = dcs.reachable && dcs.leader === name && hasServer(on);
  const says = on.kind === 'starting' ? 'starting' : 'running';
  const states = new Map<string, unknown>([
    [HOST_FACTS.id, { os: 'debian', version: '13', memory: 8 * 1024 ** 3 }],
    [DCS.id, dcs],
    [ETCD_MEMBER.id, { healthy: dcs.reachable, members: [], requiresClientCertificate: true, hasData: etcdData }],
    [
      PATRONI_MEMBER.id,
      active && hasServer(on) ? { answers: true, role: leads ? 'leader' : 'replica', state: says, cluster: [] } : { answers: false },
    ],
    [
      `file:${debian13.patroni.configFile}`,
      configured === 'no'
        ? { type: 'absent' }
        : { type: 'file', content: Buffer.from(`# Managed by pgprov: x\nscope: ${configured === 'yes' ? 'demo' : 'shop'}\n`) },
    ],
  ]);
  const observation = shapes.get(name)?.observations.find(({ id }) => id === DATA_DIRECTORY.id);
  states.set(DATA_DIRECTORY.id, observation?.parse({ status: 0, out: Buffer.from(data) }));
  for (const resource of stagesOf(name).filter(({ id }) => DECIDE.some((start) => id.startsWith(start)))) {
    const urls = Object.fromEntries(
      ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => [`https://${address}:2379/v3/kv/range`, keysOf(dcs)]),
    );
    if (active && dcs.reachable)
      Object.assign(urls, {
        [`${restOf(name)}/config`]: JSON.stringify(dcs.config),
        [`${restOf(name)}/patroni`]: '{"state": "running"}',
        [`${restOf(name)}/cluster`]: '{"members": []}',
      });
    const flags = [
      hasServer(on) ? 'underway' : '',
      configured === 'no' ? '' : 'configured',
      noted ? 'noted' : '',
      data.startsWith('kind=cluster') ? 'begun' : '',
    ];
    const text = resource.id.startsWith('interrupted-copy:')
      ? data
      : resource.id.startsWith('service:')
        ? `restart=x\nreload=y\n\n${units}\n${data}\n${dcs.reachable ? told(urls, resource.sharedQuestions ?? []) : ''}`
        : `${flags.filter((flag) => flag !== '').join('\n')}\n${data}\n${units}\n${dcs.reachable ? told(urls, resource.sharedQuestions ?? []) : ''}`;
    states.set(resource.id, resource.parse({ status: 0, out: Buffer.from(text) }));
  }
  return states;
}

interface Plan {
  /** Whose data directories are put aside. */
  aside: string[];
  /** Where Patroni is stopped. */
  halted: string[];
  /** The dynamic configuration is corrected before anything is started. */
  corrected: boolean;
  /** Who is started, in order. */
  waves: string[][];
}

/** What a plan would do; undefined when it is refused. */
function planOf(seen: World): Plan | undefined {
  const hosts = NAMES.flatMap((name, index) => (seen.machines[index]?.inRun === true ? [{ name, machine: seen.machines[index] }] : []));
  const look = (dcs: DcsState): Map<string, States> =>
    new Map(hosts.map(({ name, machine: one }) => [name as string, statesOf(name, one, dcs)]));
  const refused = (states: ReadonlyMap<string, States>): boolean => {
    const view = new View(inventory, states);
    return JUDGES.some((role) => (role.guards?.(view, MATERIAL) ?? []).length > 0);
  };
  // Asked once, of a run that is aimed at a part.
  const part = { hosts: new Set<string>(hosts.map(({ name }) => name)), roles: new Set(CATALOG.map(({ name }) => name)) };
  const needy = (states: ReadonlyMap<string, States>): boolean =>
    part.hosts.size < NAMES.length &&
    JUDGES.some((role) => (role.missingPrerequisites?.(new View(inventory, states), part) ?? []).length > 0);
  const dcs = storeOf(seen);
  const states = look(dcs);
  if (states.size === 0 || needy(seen.away ? look(AWAY) : states) || (seen.away && refused(look(AWAY))) || refused(states))
    return undefined;
  const aside: string[] = [];
  for (const { name, machine: one } of hosts) {
    const changes = stagesOf(name)
      .filter(({ id }) => id.startsWith('interrupted-'))
      .flatMap((resource) => resource.diff(states.get(name)?.get(resource.id)));
    if (!changes.some(({ summary }) => summary.startsWith('put '))) continue;
    aside.push(name);
    states.set(name, statesOf(name, { ...one, disk: { ...one.disk, kind: 'empty' } }, dcs));
  }
  const stuck = (name: string): Resource | undefined => stagesOf(name).find(({ id }) => id === 'patroni-config:demo:stuck');
  const corrected = hosts.some(({ name }) => (stuck(name)?.diff(states.get(name)?.get('patroni-config:demo:stuck')) ?? []).length > 0);
  const halted: string[] = [];
  for (const { name, machine: one } of hosts) {
    if (
      !stagesOf(name).some((resource) => resource.id.startsWith('halted:') && resource.diff(states.get(name)?.get(resource.id)).length > 0)
    )
      continue;
    halted.push(name);
    states.set(name, statesOf(name, { ...one, unit: 'enabled' }, dcs));
  }
  // What stands in the way of a host alone ends its part of the run in the stage before.
  const usable = (name: string): boolean =>
    stagesOf(name)
      .filter(({ id }) => id.startsWith('sound-data:'))
      .every((resource) => resource.diff(states.get(name)?.get(resource.id)).length === 0);
  if (refused(states)) return { aside, halted, corrected, waves: [] };
  const parts = hosts.map(
    ({ name }) =>
      [
        name as string,
        { name: 'start', title: 's', crossing: 'rolling', resources: stagesOf(name).filter(({ id }) => id === 'service:patroni') },
      ] as const,
  );
  const stage: RunStage = {
    id: 'patroni/start',
    role: 'patroni',
    title: 's',
    crossing: 'rolling',
    startsFirst: firstMember,
    leadership: patroniLeadership,
    hosts: new Map(parts),
  };
  const { leader, together, oneByOne } = sortWaves(stage, states, inventory);
  // The first host's failure ends the stage, which is the engine's to see to (test/engine/run.programs.test.ts).
  if (leader.some((name) => !usable(name))) return { aside, halted, corrected, waves: [] };
  const waves = [leader, together, ...oneByOne.map((name) => [name])].map((names) =>
    names.filter((name) => usable(name) && startsSomething(stage, name, states.get(name) ?? new Map())),
  );
  return { aside, halted, corrected, waves: waves.filter((names) => names.length > 0) };
}

/** Whether there are commits of this cluster in a directory that PostgreSQL, or a person with care, can get at. */
const holds = (on: Disk): boolean => on.served && hasWal(on);

/** Whether there is WAL of this cluster; what never served has it as far as its last record, too. */
const hasWal = ({ kind }: Disk): boolean => ['valid', 'running', 'starting', 'truncated', 'misowned'].includes(kind);

/** Whether a postmaster has it open: it serves, or recovers from a crash before it does. */
function hasServer({ kind }: Disk): boolean {
  return kind === 'running' || kind === 'starting';
}

/**
 * Whether Patroni's election of a leader looks at how far its WAL goes: it passes over a server that is not up, and one that no Patroni
 * tells of.
 */
const counts = ({ disk: on, unit }: Machine): boolean => on.kind === 'running' && unit === 'running';

/** Where the WAL of a directory ends: nobody is ahead of a primary that serves on its timeline. */
const endOf = (on: Disk): number => (hasServer(on) && on.state === 'in production' ? Infinity : on.last);

/** Whether the first has commits that the second lacks. */
function lacks(one: Disk, other: Disk): boolean {
  if (!holds(one)) return false;
  if (!hasWal(other) || one.timeline !== other.timeline) return !hasWal(other) || one.timeline > other.timeline;
  return (one.timeline > 1 && one.line !== other.line) || endOf(one) > endOf(other);
}

/** Why a plan must not be; empty: it may. */
function wrongs(seen: World, plan: Plan): string[] {
  const of = (name: string): Machine => seen.machines[NAMES.indexOf(name as 'pg1')] as Machine;
  const lost = plan.aside.filter((name) => {
    const { disk: on, noted, unit } = of(name);
    const valid = ['valid', 'running', 'starting', 'misowned', 'other cluster', 'other major'].includes(on.kind);
    return valid && (on.served || !noted || unit === 'enabled' || unit === 'running');
  });
  const leader = seen.store === 'ours' && seen.leader !== undefined ? seen.machines[seen.leader] : undefined;
  const led = leader !== undefined && (!leader.inRun || (hasServer(leader.disk) && leader.unit === 'running'));
  const waits = seen.store === 'ours' || seen.store === 'other identifier';
  const early: string[] = [];
  const started = new Set<string>();
  for (const wave of led ? [] : plan.waves) {
    for (const name of wave) {
      // Without data, and with a cluster that etcd knows, Patroni waits for a leader.
      if (waits && !holds(of(name).disk)) continue;
      const ahead = NAMES.filter((other) => other !== name && !counts(of(other)) && lacks(of(other).disk, of(name).disk));
      early.push(...ahead.filter((other) => !started.has(other)).map((other) => `${name} starts before ${other}`));
    }
    // The first one leads by the time that the next are started.
    for (const name of NAMES) if (wave.some((one) => one === name || !lacks(of(name).disk, of(one).disk))) started.add(name);
  }
  // A Patroni that runs beside the others takes the lead as soon as its PostgreSQL starts with what was corrected.
  const loose =
    plan.corrected && !led && seen.store === 'ours'
      ? NAMES.filter((name) => of(name).unit === 'running' && !counts(of(name)) && holds(of(name).disk) && !plan.halted.includes(name))
      : [];
  const stopped = plan.halted.filter((name) => led || hasServer(of(name).disk));
  return [
    ...loose.map((name) => `${name} could take the lead`),
    ...stopped.map((name) => `Patroni is stopped on ${name}, which works`),
    ...lost.map((name) => `${name}’s data is put out of service`),
    ...early,
  ];
}

describe(`plans for data (${DEPTH})`, () => {
  it(
    'disable no valid data directory without the proofs, start no member before one that has commits it lacks, and correct nothing while any member could take the lead',
    () => {
      const tally = { refused: 0, aside: 0, ordered: 0, led: 0, halted: 0 };
      fc.assert(
        fc.property(world, (seen) => {
          const plan = planOf(seen);
          if (plan === undefined) tally.refused += 1;
          else if (plan.halted.length > 0) tally.halted += 1;
          else if (plan.aside.length > 0) tally.aside += 1;
          else if (plan.waves.length > 1) tally.ordered += 1;
          else if (plan.waves.length === 1) tally.led += 1;
          if (plan !== undefined) expect(wrongs(seen, plan)).toEqual([]);
        }),
        tries(500, 20_000),
      );
      // Plans of every kind were among them.
      for (const count of Object.values(tally)) expect(count).toBeGreaterThan(0);
    },
    patience(180_000),
  );
});
