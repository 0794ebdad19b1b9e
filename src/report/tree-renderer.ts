import { DefaultRenderer, ListrLogger, ListrTaskEventType, ProcessOutput, Spinner, type ListrDefaultRendererTask } from 'listr2';
import type { Paint } from './paint.js';
import type { TreeLine } from './tree-types.js';
import { columnsOf, cutToWidth } from './width.js';

/** Milliseconds between two pictures; drawing for every event would keep the processor busy with many hosts. */
const FRAME = 100;

const INDENT = '  ';

/** What stays at the end of a line that is cut: how far something is and how long it took; where there is no room, the latter. */
const TAILS = [/ — \d+ of \d+ hosts? done(?: \((?:[<\d.]+ (?:s|min|h) ?)+\))?$/u, / \((?:[<\d.]+ (?:s|min|h) ?)+\)$/u];

/** Columns that a tail leaves to what stands before it. */
const LEAST_TEXT = 10;

/** Without a mark nothing is drawn. */
export const NO_LINE: TreeLine = { mark: '', text: '' };

/** What a tree is drawn from and on. */
export interface Canvas {
  out: NodeJS.WriteStream;
  err: NodeJS.WriteStream;
  paint: Paint;
  /** Gives what every task shows now; called once for each picture, before it is drawn. */
  look(spinner: string): ReadonlyMap<ListrDefaultRendererTask, TreeLine>;
}

/**
 * Listr2's own renderer, with three differences: a task shows a line of ours, which tells changed from ok; lines are
 * cut to the width that the stream has now; and pictures are drawn at a steady pace.
 */
export function makeTreeRenderer(canvas: Canvas): typeof DefaultRenderer {
  const clock = new Spinner();
  return class TreeRenderer extends DefaultRenderer {
    /** Whether there is a terminal was decided before, and of the right stream. */
    static override nonTTY = true;
    #lines: ReadonlyMap<ListrDefaultRendererTask, TreeLine> = new Map();
    #drawnAt = 0;

    constructor(
      tasks: ListrDefaultRendererTask[],
      options: ConstructorParameters<typeof DefaultRenderer>[1],
      events: ConstructorParameters<typeof DefaultRenderer>[2],
    ) {
      super(
        tasks,
        {
          ...options,
          spinner: clock,
          logger: new ListrLogger({ processOutput: new LiveOutput(canvas.out, canvas.err) }),
          collapseSubtasks: false,
        },
        events,
      );
    }

    override update(): void {
      if (Date.now() - this.#drawnAt < FRAME / 2) return;
      this.#drawnAt = Date.now();
      super.update();
    }

    override create(options?: Parameters<DefaultRenderer['create']>[0]): string {
      this.#lines = canvas.look(clock.fetch());
      for (const [task, { text, detail }] of this.#lines) {
        task.title = text;
        task.emit(ListrTaskEventType.OUTPUT, detail ?? '');
      }
      return super.create(options);
    }

    /** Listr2 keeps the last detail of a task that has ended, so one that is no longer told gets no mark. */
    protected override style(task: ListrDefaultRendererTask, output = false): string {
      const { mark, detail } = this.#lines.get(task) ?? NO_LINE;
      if (!output) return mark;
      return detail === undefined ? '' : canvas.paint.quiet('›');
    }

    protected override format(message: string, icon: string, level: number): string[] {
      if (icon === '') return [];
      const columns = columnsOf(canvas.out) - 1;
      const tail =
        TAILS.map((pattern) => pattern.exec(message)?.[0] ?? '').find(({ length }) => length > 0 && columns - length >= LEAST_TEXT) ?? '';
      const text = message.slice(0, message.length - tail.length);
      return [cutToWidth(`${INDENT.repeat(level)}${icon} ${text}`, columns - tail.length) + tail];
    }
  };
}

/** Listr2 copies a stream's size once; this one passes it on as it is now, so that a resized window is drawn right. */
class LiveOutput extends ProcessOutput {
  readonly #out: NodeJS.WriteStream;

  constructor(out: NodeJS.WriteStream, err: NodeJS.WriteStream) {
    super(out, err);
    this.#out = out;
  }

  override get stdout(): NodeJS.WriteStream {
    const { stdout } = this.stream;
    return Object.create(this.#out, { write: { value: stdout.write.bind(stdout) } }) as NodeJS.WriteStream;
  }
}
