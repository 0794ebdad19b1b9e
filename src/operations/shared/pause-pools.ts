import {
  enumerate,
  gate,
  POOLER,
  poolsPaused,
  pgprov,
  poolsResumed,
  sh,
  type CheckResult,
  type Gate,
  type Hindrance,
  type Host,
  type HostStep,
  type OperationObjection,
  type OperationRun,
  type OperationStart,
  type OperationStep,
  type OptionSchema,
} from '../../index.js';
import { HAPROXY_UNIT, STATISTICS_SOCKET } from '../../../roles/shared/haproxy/config-file.js';
import { hostsWith } from '../../../roles/shared/layout.js';
import { consoleOf } from '../../../roles/shared/pgbouncer/config-file.js';
import { variables } from '../../../roles/shared/variables.js';
import { leaderOf } from './members.js';
import { utcText } from './moment.js';

/** Of an operation that may have PgBouncer hold clients up meanwhile. */
export interface PausesPools {
  pausePools?: boolean;
}

type Run = OperationRun<PausesPools>;
type Start = Pick<OperationStart<PausesPools>, 'inventory' | 'options'>;

/** The option `--pause-pools`. */
export const PAUSE_POOLS: OptionSchema = {
  type: 'boolean',
  description: 'pause PgBouncer’s pools meanwhile: their clients wait instead of failing',
};

/** Seconds that transactions get to end before an operation gives up, with nothing done. */
const TRANSACTIONS_WITHIN = 15;

/** Seconds after which a host resumes its pools by itself. */
const PAUSED_AT_MOST = 90;

/** The roles whose hosts take part, those of PgBouncer and of what it goes through included where its pools are to be paused. */
export function withPoolRoles(roles: readonly string[], { inventory, options }: Start): string[] {
  if (options.pausePools !== true) return [...roles];
  return [...roles, ...['haproxy', 'pgbouncer'].filter((role) => hostsWith(inventory, role).length > 0)];
}

/** That there are no pools to pause. */
export function poolObjections({ inventory, options }: Start): OperationObjection[] {
  if (options.pausePools !== true || hostsWith(inventory, 'pgbouncer').length > 0) return [];
  return [
    {
      kind: 'input',
      error: 'pools/none',
      message: '--pause-pools pauses the pools of PgBouncer, and no host of the inventory has the role pgbouncer',
      hint: 'leave it out, or give hosts that role',
    },
  ];
}

/** The steps, each of those that cut clients off with the pools paused around it. Whoever was killed in between has left them paused. */
export function withPausedPools(run: Run, steps: readonly OperationStep[]): OperationStep[] {
  if (!hasPools(run)) return [...steps];
  const [first, ...rest] = steps;
  let turn = [...run.done].filter((id) => id.startsWith(RESUMED)).length + 1;
  const paused = pausedHosts(run);
  const isHeld = first !== undefined && cutsOff(run, first) && run.done.has(`${PAUSED}${turn}`);
  const begun: OperationStep[] = [];
  if (isHeld) {
    begun.push(first, ...resuming(run, turn, poolHosts(run), 'leads' in first ? first.leads : undefined));
    turn += 1;
  } else if (paused.length > 0) {
    begun.push(...resuming(run, turn, paused, leaderOf(run.view)));
    turn += 1;
  }
  const left = isHeld ? rest : steps;
  return [
    ...begun,
    ...left.flatMap((step): OperationStep[] => {
      if (!cutsOff(run, step)) return [step];
      const around = [pausing(run, turn), step, ...resuming(run, turn, poolHosts(run), 'leads' in step ? step.leads : undefined)];
      turn += 1;
      return around;
    }),
  ];
}

/** The steps, with the pools paused from one of them until another is done. PgBouncer itself lets their clients wait for `longestWait`. */
export function pausedAcross(
  run: Run,
  steps: readonly OperationStep[],
  { from, until }: { from: readonly string[]; until: string },
): OperationStep[] {
  if (!hasPools(run)) return [...steps];
  const [first, last] = [steps.findIndex(({ id }) => from.includes(id)), steps.findIndex(({ id }) => id === until)];
  if (last === -1) {
    const paused = pausedHosts(run);
    return [...(paused.length === 0 ? [] : resuming(run, 1, paused, leaderOf(run.view))), ...steps];
  }
  const isPaused = run.done.has(`${PAUSED}1`);
  const ends = first !== -1 || isPaused ? resuming(run, 1, poolHosts(run)) : [];
  return [
    ...(first === -1 || isPaused ? [] : [...steps.slice(0, first), pausing(run, 1, longestWait(run))]),
    ...steps.slice(first === -1 || isPaused ? 0 : first, last + 1),
    ...ends,
    ...steps.slice(last + 1),
  ];
}

/** Seconds for which clients of every pool wait at most, before PgBouncer cuts them off. */
export function longestWait({ inventory }: Pick<Run, 'inventory'>): number {
  return Math.min(...hostsWith(inventory, 'pgbouncer').map(waitOn));
}

/** Seconds after which a host resumes by itself: a slow host's steps take longer, and PgBouncer's own limit does not. */
function limitOn(host: Host, atMost: number): number {
  return Math.min(Math.round(atMost * host.patience), waitOn(host));
}

/** PgBouncer cuts off who waits for longer. */
function waitOn(host: Host): number {
  return variables(host, 'pgbouncer').query_wait_timeout - 5;
}

/** Resumes what is paused, where an operation ends early: clients are to be served, or to hear why not. */
export function resumeEarly(run: Run): HostStep[] {
  const paused = run.options.pausePools === true ? pausedHosts(run) : [];
  return paused.length === 0 ? [] : [resumeStep('early', paused)];
}

/** The pools that an operation may have left paused: giving it up resumes them. */
export const LEFT_PAUSED: Hindrance<PausesPools> = {
  role: ({ options }) => (options.pausePools === true ? 'pgbouncer' : undefined),
  steps: resumeEarly,
  unasked: ({ view, inventory }) => {
    const silent = hostsWith(inventory, 'pgbouncer').filter(({ name }) => !view.surveyed(name));
    if (silent.length === 0) return undefined;
    // The host's own limit has run since they were paused, so it is over by then.
    const left = Math.max(...silent.map((host) => limitOn(host, PAUSED_AT_MOST)));
    const until = utcText(new Date(Date.now() + left * 1000).toISOString());
    return `${enumerate(silent.map(({ name }) => name))} did not answer: if the pools there are paused, the host resumes them by itself, until ${until} at the latest; ${pgprov`apply ${inventory}`} does it as soon as the host answers`;
  },
};

/** That no clients are held up any more. */
export function poolChecks(run: Run): CheckResult[] {
  if (run.options.pausePools !== true) return [];
  const paused = pausedHosts(run);
  return [
    { title: 'no pool is paused', ok: paused.length === 0, detail: paused.length === 0 ? 'clients are served' : `on ${enumerate(paused)}` },
  ];
}

const PAUSED = 'pause-pools-';
const PROXIES = 'lead-proxies-';
const RESUMED = 'resume-pools-';

/** Whether clients of a pool notice the step: those of the leader, and readers where a member restarts that they are led to. */
function cutsOff({ inventory, view }: Run, step: OperationStep): boolean {
  if (!('on' in step)) return false;
  if (step.measuresWriteGap !== undefined) return true;
  const leader = leaderOf(view);
  const isLed = leader !== undefined && step.on.includes(leader);
  return step.effect !== undefined && (isLed || hostsWith(inventory, 'pgbouncer').some(leadsReaders));
}

function leadsReaders(host: Host): boolean {
  return variables(host, 'pgbouncer').databases.some(({ read_only }) => read_only === true);
}

/** Whether there is a pool to pause or to resume: of a PgBouncer that does not answer nobody waits. */
function hasPools(run: Run): boolean {
  return run.options.pausePools === true && poolHosts(run).length > 0;
}

/** Hosts whose PgBouncer answers. */
function poolHosts({ view }: Run): string[] {
  return view.hosts('pgbouncer').flatMap(({ name }) => (view.read(name, POOLER)?.answers === true ? [name] : []));
}

function pausedHosts(run: Run): string[] {
  return poolHosts(run).filter((name) => run.view.read(name, POOLER)?.paused !== undefined);
}

function pausing(run: Run, turn: number, atMost = PAUSED_AT_MOST): HostStep {
  const on = poolHosts(run);
  const hosts = hostsWith(run.inventory, 'pgbouncer').filter(({ name }) => on.includes(name));
  return {
    id: `${PAUSED}${turn}`,
    title: `pause the pools on ${enumerate(on)}`,
    effect: `their clients wait, for ${Math.max(...hosts.map((host) => limitOn(host, atMost)))} s at most, after which each host resumes them by itself`,
    on,
    resources: (context) => [
      poolsPaused({ console: consoleOf(context), within: TRANSACTIONS_WITHIN, limit: limitOn(context.host, atMost) }),
    ],
  };
}

/**
 * Once every HAProxy leads to the leader that there is then, no client is led to one that is no more. Clients wait for it, so it follows at once.
 * @param leader who leads then; undefined: whoever is the only one that HAProxy leads to
 */
function resuming(run: Run, turn: number, on: readonly string[], leader?: string): HostStep[] {
  const proxies = run.view.hosts('haproxy').map(({ name }) => name);
  const waits: HostStep = {
    id: `${PROXIES}${turn}`,
    title: `wait until HAProxy on ${enumerate(proxies)} leads to the leader`,
    on: proxies,
    atOnce: true,
    gates: () => [leadsGate(leader)],
  };
  return [...(proxies.length === 0 || run.done.has(waits.id) ? [] : [waits]), { ...resumeStep(String(turn), on), atOnce: true }];
}

function resumeStep(turn: string, on: readonly string[]): HostStep {
  return {
    id: `${RESUMED}${turn}`,
    title: `resume the pools on ${enumerate(on)}`,
    on,
    tidiesUp: true,
    resources: (context) => [poolsResumed(consoleOf(context))],
  };
}

/** The names of servers that are up in the backend of the leader (HAProxy's management guide, 9.1). */
const UP = '$1 == "leader" && $2 != "FRONTEND" && $2 != "BACKEND" && $18 ~ /^UP/ { print $2 }';

function leadsGate(leader: string | undefined): Gate {
  const is = leader === undefined ? sh`[ -n "$up" ] && [ "$up" = "$(echo "$up" | head -n 1)" ]` : sh`[ "$up" = ${leader} ]`;
  return gate({
    name: 'proxy-leads',
    title: 'HAProxy leads to the leader',
    check: sh`up=$(curl -q -s -m 3 --unix-socket ${STATISTICS_SOCKET} 'http://localhost/;csv' | awk -F , ${UP})
echo "it leads to" $up
${is}`,
    unit: HAPROXY_UNIT,
    fatalLogPatterns: [],
    timeout: 60,
  });
}

/** For an operation that somebody else carries out, at another time. */
export function cannotPause(options: PausesPools, when: string | undefined): OperationObjection[] {
  if (options.pausePools !== true || when === undefined) return [];
  return [
    {
      kind: 'input',
      error: 'pools/option',
      message: `--pause-pools is for a switchover now, and ${when} leaves it to Patroni, or takes it back`,
      hint: 'leave out one of the two',
    },
  ];
}
