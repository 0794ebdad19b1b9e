import { enumerate } from '../lib/enumerate.js';
import { UnreachableError, type PgprovError } from '../lib/errors.js';

/** Errors of a host that is down, or that the network does not lead to; of any other kind a person should hear the reason alone. */
const DOWN = new Set(['ssh/timeout', 'ssh/refused', 'ssh/no-route']);

/**
 * Why hosts could not be connected to, where the last reason also says how to run without them. Without half of the hosts or more there
 * is no quorum, and so no way on.
 * @param all how many hosts the run has
 */
export function withWayOn(reasons: readonly PgprovError[], all: number): readonly PgprovError[] {
  const last = reasons.at(-1);
  const names = reasons.flatMap(({ host, kind }) => (host === undefined || !DOWN.has(kind) ? [] : [host]));
  if (last === undefined || names.length < reasons.length || names.length * 2 >= all) return reasons;
  const { kind, message, host = '', cause, hint } = last;
  const option = `--host '${names.map((name) => `!${name}`).join(',')}'`;
  const way = `to run without ${enumerate(names)}, add \`${option}\`: the run then refuses what needs a host that it leaves out`;
  return [
    ...reasons.slice(0, -1),
    new UnreachableError({ kind, message, host, cause, hint: hint === undefined ? way : `${hint}; ${way}` }),
  ];
}
