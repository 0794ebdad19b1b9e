import type { ClusterStatus } from '../lib/cluster-status.js';
import { plainPgprov } from '../lib/pgprov-command.js';

/** What keeps an `apply`, or whatever else changes a cluster, from being carried out. */
export type Hindered = Pick<ClusterStatus, 'unfinished' | 'waysOut' | 'refusal'>;

/** Until when, or why, an `apply` is refused, as words that follow “refused”; undefined: it is not, as far as was seen. */
export function refusedWords({ unfinished, waysOut, refusal }: Hindered): string | undefined {
  if (waysOut !== undefined) return `until what was begun is over: ${waysOut}`;
  if (unfinished !== undefined) return 'as long as what was begun is under way';
  return refusal === undefined ? undefined : `as it is: ${refusal}`;
}

/**
 * A text that says of the command which it advises that it is refused, where it is.
 * @param commands what is meant by that, such as `apply` and `certs renew`; those that end what was begun are not
 */
export function withRefusal(text: string, hindered: Hindered, commands: readonly string[] = ['apply']): string {
  const words = refusedWords(hindered);
  const begins = commands.map((command) => `\`${plainPgprov`${command.split(' ')}`} `);
  if (words === undefined || !begins.some((begin) => text.includes(begin) && hindered.waysOut?.includes(begin) !== true)) return text;
  return `${text}; that is refused ${words}`;
}
