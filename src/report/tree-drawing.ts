import { Listr, type ListrDefaultRendererTask } from 'listr2';
import type { Paint } from './paint.js';
import type { ReportStreams } from './reporter-types.js';
import { makeTreeRenderer } from './tree-renderer.js';
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

const NOTHING: TreeLine = { mark: '', text: '' };

/**
 * Starts drawing. Listr2 cannot take in tasks once it runs, so it is given as many as there may ever be; those without
 * a text are not drawn. All of them wait for the end, for it is not Listr2 that does the work.
 */
export function startDrawing({ look, blocks, ...canvas }: DrawingOptions): Drawing {
  let closed = false;
  let release: () => void = () => undefined;
  const ended = new Promise<void>((resolve) => (release = resolve));
  const task = { task: () => ended, rendererOptions: { persistentOutput: true } };
  const listr = new Listr(
    Array.from({ length: blocks }, () => ({
      ...task,
      task: (_context: unknown, wrapper: { newListr(tasks: readonly (typeof task)[]): unknown }) =>
        wrapper.newListr(Array.from({ length: MOST_ROWS }, () => task)),
    })) as never,
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      renderer: makeTreeRenderer({
        ...canvas,
        look: (spinner) => assign(listr.tasks as ListrDefaultRendererTask[], look(spinner, closed)),
      }),
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
  return new Map(tasks.flatMap((task, index) => [
    [task, blocks[index]?.line ?? NOTHING] as const,
    ...(task.subtasks ?? []).map((row, at) => [row, blocks[index]?.rows[at] ?? NOTHING] as const),
  ]));
}
