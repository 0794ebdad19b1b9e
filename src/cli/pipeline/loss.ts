import { pgprov } from '../../lib/pgprov-command.js';
import { makePaint } from '../../report/paint.js';
import { endSentence } from '../../report/recap.js';
import type { RunState } from '../../report/run-state.js';
import { wrapWords } from '../../report/width.js';
import { errorLook } from '../colors.js';
import { lossOf, onLoss, type Loss } from '../display.js';
import type { Environment } from './environment.js';

/** Tells when stdout or stderr can be written to no more, which ends no run. Gives the function that stops listening. */
export function heedLosses({ out, err }: Pick<Environment, 'out' | 'err'>, warn: (text: string) => void): () => void {
  const heed = (loss: Loss): void => warn(`${lossText(loss)}; the run goes on without it`);
  const streams = [...new Set([out, err])];
  for (const loss of streams.map(lossOf)) if (loss !== undefined) heed(loss);
  const stops = streams.map((stream) => onLoss(stream, heed));
  return () => {
    for (const stop of stops) stop();
  };
}

/** What is known of a run in the end. */
export interface RunTold {
  state: RunState;
  /** Id of its journal; undefined when none is kept. */
  run: string | undefined;
  inventory: string;
}

/** Says at the end of a run that it was not shown whole, how it ended, and where all of it is. */
export function tellLoss({ out, err }: Pick<Environment, 'out' | 'err'>, { state, run, inventory }: RunTold): void {
  const loss = lossOf(out);
  if (loss === undefined) return;
  loss.told = true;
  const { end, command, leftOut, again, failures } = state;
  const ended = end === undefined ? 'It did not come to its end.' : endSentence({ ...end, command, leftOut, again, failures }).text;
  const whole = run === undefined ? '' : ` ${pgprov`runs show ${inventory} ${run}`} shows all of it.`;
  const { color, columns = Infinity } = errorLook(err);
  const text = `${makePaint(color).changed('warning:')} ${lossText(loss)}, so the run is not shown whole there. ${ended}${whole}`;
  err.write(`${wrapWords(text, columns).join('\n')}\n`);
}

function lossText({ name, reason, isGone }: Loss): string {
  return isGone ? `nobody reads ${name} any more (${reason})` : `${name} cannot be written (${reason})`;
}
