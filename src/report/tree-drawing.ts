import { Listr, type DefaultRenderer, type ListrDefaultRendererTask, type ListrTask } from 'listr2';
import type { Paint } from './paint.js';
import type { ReportStreams } from './reporter-types.js';
import { makeTreeRenderer, NO_LINE } from './tree-renderer.js';
import { MOST_ROWS } from './tree-rows.js';
import type { TreeBlock, TreeLine } from './tree-types.js';

/** A tree on the terminal. */
export interface Drawing {
  /** Draws the last picture and gives the terminal back; never fails. */
  end(): Promise<void>;
}

/** What is to be drawn. */
export interface DrawingOptions extends ReportStreams {
  paint: Paint;
  /** The most blocks there may ever be. */
  blocks: number;
  look(spinner: string, closed: boolean): readonly TreeBlock[];
}

type Renderer = typeof DefaultRenderer;
type SlotTask = ListrTask<unknown, Renderer, Renderer>;

/**
 * Starts drawing. Listr2 cannot take in tasks once it runs, so it is given as many as there may ever be; those without
 * a text are not drawn. All of them wait for the end, because it is not Listr2 that does the work.
 */
export function startDrawing({ look, blocks, ...canvas }: DrawingOptions): Drawing {
  let closed = false;
  let release: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (release = resolve));
  const row: SlotTask = { task: () => ended, rendererOptions: { persistentOutput: true } };
  const block: SlotTask = { ...row, task: (_context, self) => self.newListr(Array.from({ length: MOST_ROWS }, () => row)) };
  const listr: Listr<unknown, Renderer, Renderer> = new Listr(
    Array.from({ length: blocks }, () => block),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: makeTreeRenderer({ ...canvas, look: (spinner) => assign(listr.tasks, look(spinner, closed)) }),
    },
  );
  const drawn = listr.run().catch(() => undefined);
  return {
    end: async () => {
      closed = true;
      release();
      await drawn;
    },
  };
}

function assign(tasks: readonly ListrDefaultRendererTask[], blocks: readonly TreeBlock[]): Map<ListrDefaultRendererTask, TreeLine> {
  return new Map(
    tasks.flatMap((task, index) => [
      [task, blocks[index]?.line ?? NO_LINE] as const,
      ...(task.subtasks ?? []).map((row, at) => [row, blocks[index]?.rows[at] ?? NO_LINE] as const),
    ]),
  );
}
