import { DefaultRenderer, ListrLogger, ListrTaskEventType, ProcessOutput, Spinner, type ListrDefaultRendererTask } from 'listr2';
import type { Paint } from './paint.js';
import type { TreeLine } from './tree-types.js';
import { columnsOf, cutToWidth, displayWidth, hanging } from './width.js';

/** Milliseconds between two pictures; drawing for every event would keep the processor busy with many hosts. */
const FRAME = 100;

const INDENT = '  ';

/** Lines of the terminal that a text takes at most, so that what is in progress stays in view. */
const MOST_LINES = 3;

/** What stays at the end of a line that is cut: how far it is or how it came out, and how long it took; without room, the latter. */
const TAILS = [
  / — (?:\d+ of \d+ hosts? done|(?:\u001b\[\d+m)?(?:ok|\d+ changed|did not finish)(?:\u001b\[\d+m)?)(?: \((?:[<\d.]+ (?:s|min|h) ?)+\))?$/u,
  / \((?:[<\d.]+ (?:s|min|h) ?)+\)$/u,
];

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
 * wrapped or cut to the width that the stream has now; and pictures are drawn at a steady pace.
 */
export function makeTreeRenderer(canvas: Canvas): typeof DefaultRenderer {
  const clock = new Spinner();
  return class TreeRenderer extends DefaultRenderer {
    /** Whether there is a terminal was decided before, and of the right stream. */
    static override nonTTY = true;
    #lines: ReadonlyMap<ListrDefaultRendererTask, TreeLine> = new Map();
    /** Texts that are not cut to one line. */
    #wrapped: ReadonlySet<string> = new Set();
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
      this.#wrapped = new Set([...this.#lines.values()].flatMap(({ text, wraps }) => (wraps === true ? [text] : [])));
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
      const begin = `${INDENT.repeat(level)}${icon} `;
      const columns = columnsOf(canvas.out) - 1;
      return this.#wrapped.has(message) ? wrapLine(begin, message, columns) : [cutLine(begin, message, columns)];
    }
  };
}

/** Lines broken between words, the tail in one piece; of a text that takes too many the last line is cut. */
function wrapLine(begin: string, text: string, columns: number): string[] {
  const tail = tailOf(text, columns);
  const indent = ' '.repeat(displayWidth(begin));
  const lines = hanging(begin, text.slice(0, text.length - tail.length), columns);
  const last = lines.at(-1) ?? '';
  const all = displayWidth(last + tail) <= columns ? [...lines.slice(0, -1), last + tail] : [...lines, indent + tail.trimStart()];
  if (all.length <= MOST_LINES) return all.map((line) => cutLine('', line, columns));
  const rest = all.slice(MOST_LINES - 1).map((line) => line.slice(indent.length));
  return [...all.slice(0, MOST_LINES - 1), cutLine(indent, rest.join(' '), columns)];
}

/** One line, without what is too much before its tail. */
function cutLine(begin: string, text: string, columns: number): string {
  const tail = tailOf(text, columns);
  return cutToWidth(begin + text.slice(0, text.length - tail.length), columns - displayWidth(tail)) + tail;
}

function tailOf(text: string, columns: number): string {
  const found = TAILS.map((pattern) => pattern.exec(text)?.[0] ?? '');
  return found.find((tail) => tail !== '' && columns - displayWidth(tail) >= LEAST_TEXT) ?? '';
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
