import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** From which of its addresses a host connects to others, by where to: those that its kernel knows a way to. */
export const SOURCE_ADDRESS = handle<ReadonlyMap<string, string>>('source-address');

/**
 * Asks the host's kernel from which address it connects to others (`ip route get`); where it has no such program, of none.
 * @param others IP addresses or names
 */
export function sourceAddress(others: readonly string[]): Observation<ReadonlyMap<string, string>> {
  return {
    ...SOURCE_ADDRESS,
    probe: () => sh`for other in ${others}; do
to=$(getent ahosts "$other" 2>/dev/null | awk '{ print $1; exit }')
[ -n "$to" ] || continue
from=$(ip -o route get "$to" 2>/dev/null | sed -n 's/.* src \([^ ]*\).*/\1/p')
[ -z "$from" ] || printf '%s\t%s\n' "$other" "$from"
done`,
    parse: (answer) => new Map(answerLines(answer).map((line) => line.split('\t') as [string, string])),
  };
}
