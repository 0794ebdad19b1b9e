import type { Host, VariableProblem } from '../../../src/index.js';
import { variables } from '../variables.js';

/**
 * How many heartbeats an election must wait for at least, or etcd does not start. Source: Config.Validate in etcd's server/embed/config.go.
 */
const HEARTBEATS = 5;

/** An election timeout that etcd refuses at its start, told where the variable is that somebody gave; both are the same on all hosts. */
export function timingProblems([host]: readonly Host[]): VariableProblem[] {
  if (host === undefined) return [];
  const { heartbeat_interval, election_timeout } = variables(host, 'etcd');
  const least = HEARTBEATS * heartbeat_interval;
  if (election_timeout >= least) return [];
  const given = host.provenance.get('etcd.election_timeout')?.kind;
  return [
    {
      host,
      path: given === undefined || given === 'default' ? 'etcd.heartbeat_interval' : 'etcd.election_timeout',
      message: `etcd does not start with an etcd.election_timeout of ${election_timeout} ms and an etcd.heartbeat_interval of ${heartbeat_interval} ms: the timeout must be at least five heartbeats, ${least} ms`,
      hint: `set etcd.election_timeout to ${least} or more, better ${Math.min(2 * least, 50_000)}, or etcd.heartbeat_interval to ${Math.floor(election_timeout / HEARTBEATS)} or less`,
    },
  ];
}
