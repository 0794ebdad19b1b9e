import {
  awaitedStreaming,
  copiedGate,
  DATA_DIRECTORY,
  dataDirectoryOf,
  enumerate,
  localServer,
  logPlaceOf,
  standbyCopied,
  standbyJoined,
  STANDBY_COPY,
  synchronousBegun,
  STREAMING_SERVER,
  topologyOf,
  type Gate,
  type HostStep,
  type OperationStep,
  type Resource,
  type RoleContext,
} from '../../../index.js';
import { passwordLines, replicationAccount } from '../../../../roles/shared/accounts.js';
import { standaloneCluster } from '../../../../roles/shared/standalone.js';
import { primaryConninfo, slotOf, upstreamOf } from '../../../../roles/shared/streaming/servers.js';
import { slotsOfPrimary, slotsOfStandby } from '../../../../roles/shared/streaming/stages.js';
import { synchronousOf, synchronousOptions } from '../../../../roles/shared/streaming/synchronous.js';
import { variables } from '../../../../roles/shared/variables.js';
import { withoutPatroni } from '../../../../roles/shared/without-patroni.js';
import { isUp, lateWhy, mayStart, unitOf } from '../servers.js';
import { isLetIn, members, type RestoreRun } from './seen.js';
import { serverStarts } from './unmanaged.js';

/** The standbys of a restored primary are copied from it anew, those that stream from another standby after that one. */
export function standbySteps(run: RestoreRun, primary: string): OperationStep[] {
  const { view, inventory } = run;
  if (!inventory.hosts.some((host) => topologyOf(host) === 'streaming')) return [];
  const isCascaded = (name: string): boolean => {
    const host = inventory.hosts.find((each) => each.name === name);
    return host !== undefined && upstreamOf(host) !== undefined;
  };
  const isLate = (host: string): boolean => isForeseen(run) || lateWhy(view, primary, host) !== undefined || isJoining(run, host);
  const late = members(run).filter((host) => host !== primary && isLate(host));
  const [direct, cascaded] = [late.filter((host) => !isCascaded(host)), late.filter(isCascaded)];
  return [
    ...(late.length === 0 ? [] : slotStep(run, primary)),
    ...joining(run, direct, ''),
    ...cascadeStep(run, primary, cascaded),
    ...joining(run, cascaded, 'cascaded-'),
    ...synchronousStep(run, primary),
  ];
}

/** All that is seen yet is of what was there before: each standby is going to be copied. */
function isForeseen(run: RestoreRun): boolean {
  return !isLetIn(run);
}

function isJoining({ view }: RestoreRun, host: string): boolean {
  return view.read(host, STANDBY_COPY)?.joining === true;
}

/** Backups have no slots, and the passwords of then. */
function slotStep({ done }: RestoreRun, primary: string): OperationStep[] {
  if (done.has('slots')) return [];
  return [
    {
      id: 'slots',
      title: `let standbys log in to ${primary}, and make their slots there`,
      on: [primary],
      resources: (context) => [...replicationAccount(context), slotsOfPrimary(context)],
    },
  ];
}

/** They are copied, started, and noted as made: what is left of that. */
function joining(run: RestoreRun, hosts: readonly string[], prefix: string): OperationStep[] {
  const { view } = run;
  const vacant = hosts.filter((host) => isForeseen(run) || view.read(host, DATA_DIRECTORY)?.kind !== 'cluster');
  const down = hosts.filter((host) => vacant.includes(host) || !isUp(view, host) || !mayStart(view, host));
  const streams = `${hosts.length === 1 ? 'it streams' : 'they stream'}`;
  const steps: HostStep[] = [
    {
      id: `${prefix}copy`,
      title: `copy the restored data to ${enumerate(vacant)}`,
      on: vacant,
      resources: copies,
      gates: ({ host, platform }) => [copiedGate(dataDirectoryOf(host, platform), [])],
    },
    {
      id: `${prefix}others`,
      title: `start PostgreSQL on ${enumerate(down)}, and wait until ${streams}`,
      on: down,
      resources: starts,
      gates: (context) => [streamsGate(context)],
    },
    {
      id: `${prefix}joined`,
      title: `see that ${enumerate(hosts)} ${hosts.length === 1 ? 'streams' : 'stream'}, and note it there`,
      on: hosts,
      resources: ({ host, platform }) => [standbyJoined(dataDirectoryOf(host, platform)) as Resource],
      gates: (context) => [streamsGate(context)],
    },
  ];
  return steps.filter(({ on }) => on.length > 0);
}

function copies(context: RoleContext): Resource[] {
  const { host, platform } = context;
  const { group } = platform.postgresql(variables(host, 'postgresql').version);
  const path = dataDirectoryOf(host, platform);
  const copy = { path, server: localServer(host, platform), group, conninfo: primaryConninfo(context), slot: slotOf(host) };
  return [passwordLines(context), standbyCopied(copy) as Resource];
}

function starts(context: RoleContext): Resource[] {
  const { registration, ofCopy } = withoutPatroni(context);
  const isBeside = standaloneCluster(context).configDirectory === dataDirectoryOf(context.host, context.platform);
  return [...registration, ...(isBeside ? ofCopy : []), serverStarts(context)];
}

/** Open when the standby on the host streams. */
export function streamsGate(context: RoleContext): Gate {
  const { host, platform } = context;
  const data = dataDirectoryOf(host, platform);
  return awaitedStreaming({ server: localServer(host, platform), data, unit: unitOf(context), log: logPlaceOf(context), host: host.name });
}

/** Slots on standbys that have standbys of their own. */
function cascadeStep({ inventory, done }: RestoreRun, primary: string, cascaded: readonly string[]): OperationStep[] {
  const upstreams = new Set(
    inventory.hosts.flatMap((host) => (cascaded.includes(host.name) ? (upstreamOf(host) ?? []) : [])).filter((name) => name !== primary),
  );
  const on = [...upstreams];
  if (on.length === 0 || done.has('cascade')) return [];
  return [{ id: 'cascade', title: `make the slots on ${enumerate(on)} for standbys of standbys`, on, resources: slotsOfStandby }];
}

/** Until all stream, no commit waits for a standby. */
function synchronousStep(run: RestoreRun, primary: string): OperationStep[] {
  const { view, inventory, done } = run;
  const host = inventory.hosts.find(({ name }) => name === primary);
  const number = host === undefined ? 0 : synchronousOf(host).number;
  const sends = isForeseen(run) ? [] : (view.read(primary, STREAMING_SERVER)?.says?.sends ?? []);
  const waited = sends.filter(({ sync }) => sync === 'sync' || sync === 'quorum');
  if (number <= waited.length || done.has('synchronous')) return [];
  return [
    {
      id: 'synchronous',
      title: `have commits on ${primary} wait for synchronous standbys again`,
      on: [primary],
      resources: (context) => [synchronousBegun(synchronousOptions(context)) as Resource],
    },
  ];
}
