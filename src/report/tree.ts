import { renderError } from './error-text.js';
import { flush } from './flush.js';
import { makePaint } from './paint.js';
import { renderRecap } from './recap.js';
import type { Reporter, ReportStreams } from './reporter-types.js';
import { RunState } from './run-state.js';
import { startDrawing, type Drawing } from './tree-drawing.js';
import { viewTree } from './tree-view.js';

/** Stages that a host's platform may add to those that were announced before it was known. */
const SPARE_STAGES = 8;

/** Connect, survey, check, and the stages to come. */
const OTHER_BLOCKS = 4;

/** A live tree on a terminal; errors, late warnings and the recap follow it whole when it is closed. */
export function createTreeReporter(streams: ReportStreams): Reporter {
  const { out, color } = streams;
  const paint = makePaint(color);
  const state = new RunState();
  let drawing: Drawing | undefined;
  let warned = 0;

  const takeWarnings = (): string[] => {
    const fresh = state.warnings.slice(warned);
    warned = state.warnings.length;
    return fresh.map(({ host, text }) => `${paint.changed('warning:')} ${host === undefined ? '' : `${host}: `}${text}`);
  };

  const closing = (): string[] => [
    ...state.errors.map((error) => renderError(error, { color })),
    takeWarnings().join('\n'),
    state.end === undefined ? paint.failed('Stopped before the end.') : renderRecap({ ...state.end, command: state.command }, { color }),
  ].filter((block) => block !== '');

  return {
    emit: (event) => {
      state.apply(event);
      if (drawing !== undefined) return;
      for (const line of takeWarnings()) out.write(`${line}\n`);
      if (event.type !== 'connecting') return;
      drawing = startDrawing({
        ...streams,
        paint,
        blocks: state.stages.size + SPARE_STAGES + OTHER_BLOCKS,
        look: (spinner, closed) => viewTree(state, { now: Date.now(), spinner, closed }, paint),
      });
    },
    close: async () => {
      await drawing?.end();
      const gap = drawing === undefined ? '' : '\n';
      drawing = undefined;
      const blocks = closing();
      if (blocks.length > 0) out.write(`${gap}${blocks.join('\n\n')}\n`);
      await flush(out);
    },
  };
}
