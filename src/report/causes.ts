import type { StepEnd } from '../events.js';
import type { PgprovError } from '../lib/errors.js';
import { groupBy } from '../lib/group-by.js';
import { errorSummary } from './error-text.js';
import { makePaint } from './paint.js';
import { displayWidth, hanging, padToWidth, widestOf } from './width.js';
import { listNames } from './words.js';

/** Columns that a cause has beside its place; with fewer it stands below. */
const LEAST = 30;

/** An error as a run told it; in the order of a run the first is often why the others came. */
export interface Failure {
  error: PgprovError;
  /** The host's part of which stage failed, by its id; none for what went wrong outside of stages. */
  step?: {
    host: string;
    stage: string;
    /** The change that was begun there and not completed. */
    begun?: string;
  };
}

/** A failure in a stage, from the event that tells it. */
export function stepFailure({ host, stage, begun }: StepEnd, error: PgprovError): Failure {
  return { error, step: { host, stage, ...(begun === undefined ? {} : { begun }) } };
}

/** More are counted. */
const MOST_CAUSES = 6;

/**
 * What failed in the stages of a run, in order and a line each: by its end the first of them may have long left the screen.
 * What hosts say in more than a line stays where it was told.
 *
 * @param fewest with fewer different failures there is nothing to say
 */
export function causeLines(
  failures: readonly Failure[],
  { color, columns = Infinity, fewest }: { color: boolean /** Of the terminal. */; columns?: number; fewest: number },
): string[] {
  const inStages = failures.flatMap(({ error, step }) => (step === undefined ? [] : { ...step, what: errorSummary(error) }));
  const causes = [...groupBy(inStages, ({ stage, what }) => `${stage} ${what}`).values()];
  if (causes.length < fewest) return [];
  const shown = causes.slice(0, MOST_CAUSES).map((alike) => ({ ...alike[0], hosts: listNames(alike.map(({ host }) => host)) }));
  const [hostWidth, stageWidth] = [widestOf(shown.map(({ hosts }) => hosts)), widestOf(shown.map(({ stage }) => stage))];
  const lines = shown.flatMap(({ hosts, stage, what }) => {
    const begin = `  ${padToWidth(hosts, hostWidth)}  ${padToWidth(stage, stageWidth)}  `;
    return columns - displayWidth(begin) < LEAST ? [begin.trimEnd(), ...hanging('    ', what, columns)] : hanging(begin, what, columns);
  });
  const left = causes.length - shown.length;
  return [
    makePaint(color).failed(causes.length === 1 ? 'What failed:' : 'What failed, in order:'),
    ...lines,
    ...(left === 0 ? [] : [`  and ${left} more`]),
  ];
}
