import type { EventListener } from '../events.js';
import { asPgprovError, type ExitCode, type PgprovError } from '../lib/errors.js';
import { leavingAbsent, withoutHosts, type Host, type Inventory } from '../model/index.js';
import { View } from '../plan/view.js';
import type { Transport } from '../transport/transport.js';
import { HostConnections } from './host-connections.js';
import { RunResults } from './run-results.js';

/** Which hosts are connected to, and how. */
export interface ClusterOptions {
  inventory: Inventory;
  /** In inventory order. */
  hosts: readonly Host[];
  /** What becomes of hosts that do not answer: nothing is done on any, or the others continue without them. */
  unreachable: 'refuse' | 'go-on';
  /** The command has `--host`, so that a person can leave out a host that does not answer; default: it has not. */
  leavesOut?: boolean;
  /** Take also hosts of systems that pgprov was not tested on; default: only those that an earlier run was allowed to change. */
  allowUntested?: boolean;
  /** Whether each host's lock is taken with the first look, and held to the end. */
  locks: boolean;
  transport: Transport;
  emit: EventListener;
  /** Aborting lets steps under way end and starts no more. */
  signal: AbortSignal;
}

/** A cluster that a command works on: one connection a host, one account of what became of each. */
export interface Cluster extends ClusterOptions {
  readonly connections: HostConnections;
  readonly results: RunResults;
  /** What was seen last of the hosts that answer. */
  view(): View;
  /** Tells that a person has agreed after so many milliseconds, which are no time of the run. */
  answered(ms: number): void;
}

/** The cluster as if the inventory had these hosts no more: the same connections to the others, the same account. */
export function clusterWithout(cluster: Cluster, names: readonly string[], { leavesAbsent = false } = {}): Cluster {
  if (names.length === 0 && !leavesAbsent) return cluster;
  const left = withoutHosts(cluster.inventory, names);
  const inventory = leavesAbsent ? leavingAbsent(left, names) : left;
  const connections = cluster.connections.without(names);
  return {
    ...cluster,
    inventory,
    hosts: cluster.hosts.filter(({ name }) => !names.includes(name)),
    connections,
    view: () => new View(inventory, connections.states),
  };
}

/** How the work ended. */
export interface ClusterEnd {
  exitCode: ExitCode;
  errors: readonly PgprovError[];
}

/**
 * Connects to the hosts while `work` begins, and lets go of them however it ends. What it throws counts as a failure of the
 * run; `leaving` is called after that, while the connections are still there. The last event is `run-end`.
 */
export async function withCluster(
  options: ClusterOptions,
  work: (cluster: Cluster) => Promise<void>,
  leaving?: (cluster: Cluster) => void,
): Promise<ClusterEnd> {
  const { hosts, inventory, emit, signal } = options;
  const began = Date.now();
  const results = new RunResults(
    hosts.map(({ name }) => name),
    emit,
  );
  const connections = new HostConnections({ ...options, results });
  const view = (): View => new View(inventory, connections.states);
  let askedMs = 0;
  const answered = (ms: number): void => {
    askedMs += ms;
    emit({ type: 'answered', ms });
  };
  const cluster: Cluster = { ...options, connections, results, view, answered };
  try {
    // Servers take their time over a handshake, in which the run's shape is worked out here.
    connections.connectAll();
    await work(cluster);
  } catch (error) {
    results.fail(asPgprovError(error));
  } finally {
    leaving?.(cluster);
    await connections.leave();
  }
  const exitCode = results.exitCode(signal.aborted);
  emit({ type: 'run-end', exitCode, ms: Date.now() - began - askedMs, recap: results.recap, cpuMs: cpuTime() });
  return { exitCode, errors: results.errors };
}

/** Milliseconds of the processor that this process has used. */
function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return Math.round((user + system) / 1000);
}
