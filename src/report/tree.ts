import { renderError } from './error-text.js';
import { flush } from './flush.js';
import { leftText } from './interruption-text.js';
import { makePaint } from './paint.js';
import { printable } from './printable.js';
import { renderRecap } from './recap.js';
import type { Reporter, ReportStreams } from './reporter-types.js';
import { RunState } from './run-state.js';
import { startDrawing, type Drawing } from './tree-drawing.js';
import { MOST_NOTICES } from './tree-notices.js';
import { MOST_WAITS, viewTree } from './tree-view.js';
import { columnsOf, wrapColumns, wrapWords } from './width.js';

/** Stages that a host's platform may add to those that were announced before it was known. */
const SPARE_STAGES = 8;

/** Connect, survey, check, the stages to come, and what must be seen at once. */
const OTHER_BLOCKS = 4 + MOST_WAITS + MOST_NOTICES;

/** A live tree on a terminal; errors, late warnings and the recap follow it whole when it is closed. */
export function createTreeReporter(streams: ReportStreams): Reporter {
  const { out, color } = streams;
  const paint = makePaint(color);
  const state = new RunState();
  let drawing: Drawing | undefined;
  let closed: Promise<void> | undefined;
  let warned = 0;

  const freshWarnings = (): string[] =>
    state.warnings.slice(warned).map(({ host, text }) => `${host === undefined ? '' : `${host}: `}${text}`);

  const takeWarnings = (): string[] => {
    const fresh = freshWarnings();
    warned = state.warnings.length;
    return fresh.flatMap((text) => `${paint.changed('warning:')} ${text}`.split('\n')).flatMap((line) => wrapWords(line, columnsOf(out)));
  };

  /** A run that was left has no end; what it leaves is to be seen last. */
  const unended = (): string => {
    if (state.left === undefined) return paint.failed('Stopped before the end.');
    const text = leftText(state.left, (id) => state.stages.get(id)?.title ?? id);
    return paint.failed(wrapWords(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`, columnsOf(out)).join('\n'));
  };

  const closing = (): string[] =>
    [
      ...state.failures.map(({ error }) => renderError(error, { color, columns: wrapColumns(out) })),
      takeWarnings().join('\n'),
      state.lasting.flatMap((text) => wrapWords(printable(text), columnsOf(out))).join('\n'),
      (state.outcome ?? '')
        .split('\n')
        .flatMap((line) => wrapWords(printable(line), columnsOf(out)))
        .join('\n'),
      state.end === undefined
        ? unended()
        : renderRecap(
            { ...state.end, command: state.command, failures: state.failures, leftOut: state.leftOut, again: state.again },
            { color, columns: columnsOf(out), fewestCauses: 2 },
          ),
    ].filter((block) => block !== '');

  const draw = (): Drawing =>
    startDrawing({
      ...streams,
      paint,
      blocks: state.stages.size + SPARE_STAGES + OTHER_BLOCKS,
      look: (spinner, last) =>
        viewTree(state, { now: Date.now(), spinner, warnings: freshWarnings(), columns: columnsOf(out), closed: last }, paint),
    });

  const finish = async (): Promise<void> => {
    await drawing?.end();
    const blocks = closing();
    if (blocks.length > 0) out.write(`${drawing === undefined ? '' : '\n'}${blocks.join('\n\n')}\n`);
    await flush(out);
  };

  return {
    emit: (event) => {
      if (closed !== undefined) return;
      state.apply(event);
      if (drawing !== undefined) return;
      for (const line of takeWarnings()) out.write(`${line}\n`);
      if (event.type === 'connecting') drawing = draw();
    },
    close: () => (closed ??= finish()),
  };
}
