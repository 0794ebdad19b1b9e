import type { ForeseenStep } from '../events.js';
import { makePaint } from './paint.js';
import { listNames } from './words.js';

/** What is shown of the steps of an operation. */
export interface StepsText {
  steps: readonly ForeseenStep[];
  /** What cannot be foreseen, as a sentence without its full stop. */
  then?: string | undefined;
}

/** The steps of an operation for people, one a line: on which hosts, what clients notice, and where the way back ends. */
export function renderSteps({ steps, then }: StepsText, { color }: { color: boolean }): string {
  const paint = makePaint(color);
  const lines = steps.flatMap(({ title, hosts, effect, pointOfNoReturn }, index) => [
    `${index + 1}. ${paint.strong(title)} ${paint.quiet(`(on ${hosts.length === 0 ? 'the control machine' : listNames(hosts)})`)}`,
    ...(effect === undefined ? [] : [`   ${paint.changed(effect)}`]),
    ...(pointOfNoReturn === true ? [`   ${paint.changed('after this step there is no way back')}`] : []),
  ]);
  return [...lines, ...(then === undefined ? [] : [`${then}.`])].join('\n');
}
