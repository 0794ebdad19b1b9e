import type { ForeseenStep } from '../events.js';
import type { ErrorLook } from './error-text.js';
import { makePaint } from './paint.js';
import { hanging } from './width.js';
import { listNames, namesOnly } from './words.js';

/** What is shown of the steps of an operation. */
export interface StepsText {
  steps: readonly ForeseenStep[];
  /** What cannot be foreseen, as a sentence without its full stop. */
  then?: string | undefined;
}

/**
 * The steps of an operation for people, one a line: on which hosts, where the title does not say that, what clients notice, and where the way
 * back ends.
 * @param all names of all hosts that there are
 */
export function renderSteps({ steps, then }: StepsText, all: readonly string[], { color, columns = Infinity }: ErrorLook): string {
  const paint = makePaint(color);
  const below = (text: string): string[] => hanging('   ', text, columns).map(paint.changed);
  const lines = steps.flatMap(({ title, hosts, effect, pointOfNoReturn }, index) => {
    const where = namesOnly(title, hosts, all) ? '' : ` (on ${hosts.length === 0 ? 'the control machine' : listNames(hosts)})`;
    return [
      ...hanging(`${index + 1}. `, `${paint.strong(title)}${paint.quiet(where)}`, columns),
      ...(effect === undefined ? [] : below(effect)),
      ...(pointOfNoReturn === true ? below('after this step there is no way back') : []),
    ];
  });
  return [...lines, ...(then === undefined ? [] : hanging('', `${then}.`, columns))].join('\n');
}
