import { plainPgprov } from '../lib/pgprov-command.js';
import { quote } from '../lib/shell-word.js';
import type { RunHead } from '../store/journal-format.js';
import { commandLineText } from './command-line-text.js';

/**
 * The command that continues a run which did not come to its end.
 * @param isKept it has a journal, from which an apply is resumed with its hosts, roles and overrides
 */
export function continuing(run: Pick<RunHead, 'command' | 'aim' | 'set'>, inventory: string, isKept: boolean): string {
  // The command of an operation has its own options, quoted already.
  return run.command === 'apply' && isKept
    ? plainPgprov`apply ${inventory} --resume`
    : `pgprov ${commandLineText(run)} ${quote(inventory)}`;
}
