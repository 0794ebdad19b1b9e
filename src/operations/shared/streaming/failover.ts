import {
  enumerate,
  pgprov,
  primaryFenced,
  serversAnswering,
  serverStarted,
  takeover,
  type CheckResult,
  type HostStep,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
  type Resource,
  type View,
} from '../../../index.js';
import { partedFrom } from '../../../../roles/shared/streaming/parted.js';
import { seenServers } from '../../../../roles/shared/streaming/seen.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import { localServer } from '../../../../roles/shared/layout.js';
import { otherServers, REWIND_DATABASE } from '../../../../roles/shared/streaming/servers.js';
import { otherLeaderText } from '../../../../roles/shared/streaming/told.js';
import { variables } from '../../../../roles/shared/variables.js';
import { byReach, lostServers, lossText, type Lost } from './failover-candidates.js';
import { aliveObjections, candidateObjections, noCandidate } from './failover-guards.js';
import type { StreamingProcedure } from './procedure.js';
import { serverOn } from './seen.js';
import {
  isFurther,
  notFollowingWhy,
  openPrimary,
  othersThan,
  ownSourceWhy,
  reachOf,
  unknownServer,
  upstreamNamed,
} from './servers-seen.js';
import { notSynchronousText, othersStep, promoteStep, slotsStep, synchronousStep } from './take-over.js';

interface Options {
  to?: string;
  lose?: number;
  asynchronous?: boolean;
  /** Chosen: who may have been the primary, the likeliest first. */
  lost?: readonly string[];
  /** Chosen: standbys that have to stream from the new primary. */
  followers?: readonly string[];
}

type Run = OperationRun<Options>;

/** The most advanced standby takes the place of a primary that is lost, which is kept from coming back where its host can be reached. */
export const streamingFailover: StreamingProcedure<Options> = {
  observations: (context) => {
    const { host, platform } = context;
    const others = otherServers(context).map((other) => ({
      name: other.name,
      address: other.clusterAddress,
      port: variables(other, 'postgresql').port,
      user: variables(other, 'replication').username,
      database: REWIND_DATABASE,
    }));
    return [serversAnswering(localServer(host, platform), others), takeover(localServer(host, platform))];
  },
  problems: ({ inventory, options: { to } }) => unknownServer(inventory, to),
  guards,
  choose,
  remaining: (run) => {
    const primary = openPrimary(run.view);
    if (primary !== undefined && primary !== run.options.to) return { steps: [] };
    return { steps: [...takeOver(run), ...afterwards(run)], ...(primary === undefined ? returning(run) : {}) };
  },
  question: (run) => {
    const { to, lost = [] } = run.options;
    const away = lost.filter((name) => !run.view.surveyed(name));
    const fence =
      away.length === 0 ? '' : `Nothing keeps ${enumerate(away)} from taking writes when it comes back: be sure that it is off. `;
    return `${fence}What ${to} does not have is lost. Promote ${to}${lost.length === 0 ? '' : ` in place of ${enumerate(lost)}`}?`;
  },
  nothing: (run) =>
    run.options.lost === undefined ? `${openPrimary(run.view)} is the primary: there is nothing to fail over from` : finished(run),
  checks: proofs,
  finished,
};

function choose(run: Run): Options {
  const { view, inventory, options } = run;
  if (openPrimary(view) !== undefined) return options;
  const lost = lostServers(view, inventory).sort((a, b) => Number(b === inventory.leader) - Number(a === inventory.leader));
  const seen: Lost = { view, inventory, lost };
  const known = byReach(seen);
  const to = options.to ?? known[0]?.name ?? '';
  const own = reachOf(view, to);
  // One that streams from a lost server alone finds no other, and one that parted earlier, or is told another server, follows nobody.
  const finds = (name: string): boolean =>
    !lost.includes(upstreamNamed(inventory, name) ?? '') && (partedWhy(view, to, name) ?? ownSourceWhy(view, name)) === undefined;
  const followers = known.flatMap((reach) =>
    reach.name !== to && !reach.down && finds(reach.name) && own !== undefined && !isFurther(reach, own) ? [reach.name] : [],
  );
  return { ...options, lost, to, followers };
}

/** That a server has what the new primary has not, as a clause that follows `it`; undefined: not as far as it shows. */
function partedWhy(view: View, to: string, name: string): string | undefined {
  const leads = seenServers(view).find((server) => server.name === to);
  const parted = leads === undefined ? undefined : partedFrom(view, leads, name);
  return parted?.kind === 'more' ? parted.why.replace(/^it /u, '') : undefined;
}

function lostOf({ view, inventory, options: { lost = [] } }: Run): Lost {
  return { view, inventory, lost };
}

function guards(run: Run): OperationObjection[] {
  const { view, inventory, options } = run;
  const { to = '', lost, lose, asynchronous } = options;
  const primary = openPrimary(view);
  if (primary !== undefined) {
    if (lost !== undefined || primary === to) return [];
    const hint = `hand over with ${pgprov`switchover ${inventory}`}`;
    return [{ kind: 'refuse', message: `${primary} is the primary and answers, so there is nothing to fail over from`, hint }];
  }
  const alive = aliveObjections(lostOf(run));
  if (alive.length > 0) return alive;
  if (to === '') return noCandidate(lostOf(run));
  return candidateObjections({
    ...lostOf(run),
    to,
    ...(lose === undefined ? {} : { lose }),
    ...(asynchronous === undefined ? {} : { asynchronous }),
  });
}

/** Up to the promotion. */
function takeOver(run: Run): OperationStep[] {
  const { view, options } = run;
  const { to = '', lost = [] } = options;
  if (openPrimary(view) === to) return [];
  const fences = lost.flatMap((name): HostStep[] => {
    const server = serverOn(view, name);
    if (server === undefined || (server.signal && !server.data.running)) return [];
    return [
      {
        id: `fence-${name}`,
        title: `keep ${name} from coming back as a primary (standby.signal)`,
        on: [name],
        resources: (context) => [primaryFenced(unitServer(context)) as Resource],
      },
    ];
  });
  const start: HostStep = {
    id: 'start',
    title: `start ${to} as a standby`,
    on: [to],
    resources: (context) => [serverStarted(unitServer(context)) as Resource],
  };
  const place = lost.length === 0 ? '' : ` in place of ${enumerate(lost)}`;
  return [
    ...fences,
    ...(serverOn(view, to)?.says === undefined ? [start] : []),
    ...slotsStep(run, to),
    promoteStep(to, undefined, { title: `promote ${to}${place}`, effect: lossText(lostOf(run), to) }),
  ];
}

/** The standbys that have to stream from the new primary: of those that were chosen, who answers, and has not parted from it since. */
function following({ view, options: { to = '', followers = [] } }: Run): string[] {
  return followers.filter((name) => view.surveyed(name) && partedWhy(view, to, name) === undefined);
}

/** What is left when the standby is the primary. */
function afterwards(run: Run): OperationStep[] {
  const { to = '' } = run.options;
  const there = following(run);
  return [...othersStep(run, to, there), ...synchronousStep(run, to, there)];
}

/** What becomes of those that are lost, and of standbys that went further than the new primary. */
function returning(run: Run): { then?: string } {
  const sentences = afterText(run);
  return sentences.length === 0 ? {} : { then: sentences.join('; ') };
}

function afterText({ view, inventory, options }: Run): string[] {
  const { to = '', lost = [], followers = [] } = options;
  const away = lost.filter((name) => !view.surveyed(name));
  const there = lost.filter((name) => view.surveyed(name));
  const further = othersThan(inventory, to, ...lost).filter(
    (name) => !followers.includes(name) || (view.surveyed(name) && partedWhy(view, to, name) !== undefined),
  );
  return [
    ...there.map(
      (name) => `${name} starts only as a standby from now on, and ${pgprov`rebuild ${inventory} --host ${name}`} makes it one of ${to}`,
    ),
    ...away.map(
      (name) =>
        `${name} could not be kept from coming back as a primary: before its PostgreSQL starts again, write standby.signal into its data directory (a second primary is refused by every run); then ${pgprov`rebuild ${inventory} --host ${name}`} makes it a standby of ${to}`,
    ),
    ...further.flatMap((name) => {
      const why = partedWhy(view, to, name) ?? ownSourceWhy(view, name) ?? notFollowingWhy(view, to, name);
      return why === undefined ? [] : [`${name} is not waited for: it ${why}`];
    }),
  ];
}

function proofs(run: Run): CheckResult[] {
  const { view, options } = run;
  const { to = '' } = options;
  const primary = openPrimary(view);
  const timeline = primary === undefined ? undefined : serverOn(view, primary)?.says?.timeline;
  const leads: CheckResult = {
    title: 'a server is the primary',
    ok: primary !== undefined,
    detail: primary === undefined ? 'no server takes writes' : `${primary}, timeline ${timeline ?? '?'}`,
  };
  if (primary === undefined || primary !== to) return [leads];
  const streaming = following(run).map((host): CheckResult => {
    const why = notFollowingWhy(view, to, host);
    return {
      host,
      title: 'it streams on the new timeline',
      settles: true,
      ok: why === undefined,
      detail: why === undefined ? `timeline ${timeline}` : `it ${why}`,
    };
  });
  return [leads, ...streaming];
}

function finished(run: Run): string {
  const { view, inventory, options } = run;
  const { to = '' } = options;
  const primary = openPrimary(view);
  if (primary !== to) return `${primary} is back and takes writes: there was nothing to fail over from`;
  const upstream = upstreamNamed(inventory, to);
  const told = [
    `${to} is the primary, on timeline ${serverOn(view, to)?.says?.timeline ?? '?'}`,
    ...afterText(run),
    ...notSynchronousText(run, to),
    ...(upstream === undefined ? [] : [`Take replication.upstream of ${to} out of the inventory: it streams from nobody`]),
    ...otherLeaderText(view),
  ];
  return told.join('. ');
}
