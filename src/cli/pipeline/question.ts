import { ExitCode, InputError, PgprovError, type ErrorDetails } from '../../lib/errors.js';
import type { Environment } from './environment.js';

/** What a person is asked before anything is changed. */
export interface Question {
  /** What is about to be done, for people. */
  text(): string;
  /** The question itself, without the mark for yes and no. */
  ask: string;
  /** Show the text also where nobody is asked. */
  shows?: boolean;
  /** Nobody need be asked: it was agreed to before, as a plan file is. */
  agreed?: boolean;
  /** Somebody must be asked. */
  holdsData: boolean;
  /** Somebody is asked where there is anybody, also without data. */
  asksAnyway?: boolean;
  /** The error where somebody must be asked and nobody can be. */
  unconfirmed: Omit<ErrorDetails, 'exitCode'>;
}

/** How a question may be asked. */
export interface Asking extends Pick<Environment, 'out' | 'confirm'> {
  /** `--yes`: it is agreed to. */
  yes: boolean;
  /** There is a person who can be asked. */
  canAsk: boolean;
  /** Aborting is a no. */
  signal: AbortSignal;
  /** Called before anything is shown. */
  clear(): void;
}

/**
 * Shows what is about to be done and asks; gives the milliseconds until the answer, undefined where nobody was asked.
 * @throws Declined for a no, and where the run was interrupted before; InputError where there is nobody to ask
 */
export async function askFirst(question: Question, { yes, canAsk, out, signal, confirm, clear }: Asking): Promise<number | undefined> {
  const { holdsData, agreed = false, asksAnyway = false } = question;
  if (holdsData && !yes && !canAsk && !agreed) throw new InputError(question.unconfirmed);
  const asks = canAsk && !yes && (holdsData || (asksAnyway && !agreed));
  if (asks && signal.aborted) throw new Declined();
  if (asks || question.shows === true) {
    clear();
    out.write(`${question.text()}\n\n`);
  }
  if (!asks) return undefined;
  const began = performance.now();
  if (!(await confirm(question.ask, signal))) throw new Declined();
  return Math.round(performance.now() - began);
}

/** A person said no. */
export class Declined extends PgprovError {
  constructor() {
    super({ kind: 'cli/declined', message: 'nothing was changed', exitCode: ExitCode.interrupted });
  }
}
