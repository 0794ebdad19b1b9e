import { spawn } from 'node:child_process';
import headless, { type IBufferCell, type IBufferLine } from '@xterm/headless';

/** What a program wrote to its terminal, and when, in milliseconds from its start. */
export interface Chunk {
  at: number;
  text: string;
}

/** Some characters in one row that look alike. */
export interface Run {
  column: number;
  text: string;
  /** One of the sixteen colours of a terminal, or its own. */
  color?: number;
  bold: boolean;
  dim: boolean;
}

/** A screen at a moment: a list of runs for each row, without what is empty below. */
export interface Screen {
  at: number;
  rows: readonly (readonly Run[])[];
}

export interface Size {
  columns: number;
  rows: number;
}

/**
 * Runs a shell command at a terminal of that size and answers its questions with yes, as a person would.
 * @param shown what a person would have typed
 * @throws Error when it ends with another exit code than 0
 */
export function record(command: string, shown: string, cwd: string, { columns, rows }: Size): Promise<Chunk[]> {
  const chunks: Chunk[] = [{ at: 0, text: `\u001b[1m$ ${shown}\u001b[0m\r\n` }];
  const { NO_COLOR: _, ...env } = process.env;
  const child = spawn('script', ['-qec', `stty cols ${columns} rows ${rows}; exec ${command}`, '/dev/null'], {
    cwd,
    env: { ...env, TERM: 'xterm-256color' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const began = Date.now();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    chunks.push({ at: Date.now() - began, text });
    if (text.includes('[y/N]')) setTimeout(() => child.stdin.write('y\n'), 1500);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('close', (code) => (code === 0 ? resolve(chunks) : reject(new Error(`${shown} ended with ${code}`))));
  });
}

/** The screens of a recording: one for each interval in which something changed, and the last one. */
export async function screensOf(chunks: readonly Chunk[], { columns, rows }: Size, interval: number): Promise<Screen[]> {
  const terminal = new headless.Terminal({ cols: columns, rows, allowProposedApi: true });
  const screens: Screen[] = [];
  const take = (at: number): void => {
    const screen = { at, rows: visibleRows(terminal) };
    if (JSON.stringify(screens.at(-1)?.rows) !== JSON.stringify(screen.rows)) screens.push(screen);
  };
  let next = 0;
  for (const { at, text } of chunks) {
    if (at >= next + interval) {
      take(next);
      next = at - (at % interval);
    }
    await new Promise<void>((resolve) => terminal.write(text, resolve));
  }
  take(next + interval);
  terminal.dispose();
  return screens;
}

function visibleRows(terminal: headless.Terminal): Run[][] {
  const { active } = terminal.buffer;
  const rows = Array.from({ length: terminal.rows }, (_, row) => runsOf(active.getLine(active.baseY + row)));
  return rows.slice(0, rows.findLastIndex((row) => row.length > 0) + 1);
}

function runsOf(line: IBufferLine | undefined): Run[] {
  const runs: Run[] = [];
  for (let column = 0; column < (line?.length ?? 0); column += 1) {
    const cell = line?.getCell(column);
    if (cell === undefined) continue;
    const text = cell.getChars() || ' ';
    const [last, style] = [runs.at(-1), styleOf(cell)];
    // Fonts give symbols widths of their own, so what follows one has a place of its own.
    const continues = last !== undefined && sameStyle(last, style) && /^[\x20-\x7e]+$/u.test(last.text + text);
    if (continues) last.text += text;
    else runs.push({ column, text, ...style });
  }
  return runs.map((run) => ({ ...run, text: run.text.trimEnd() })).filter(({ text }) => text !== '');
}

function styleOf(cell: IBufferCell): Omit<Run, 'column' | 'text'> {
  const style = { bold: cell.isBold() !== 0, dim: cell.isDim() !== 0 };
  return cell.isFgPalette() ? { ...style, color: cell.getFgColor() } : style;
}

function sameStyle(one: Omit<Run, 'column' | 'text'>, other: Omit<Run, 'column' | 'text'>): boolean {
  return one.color === other.color && one.bold === other.bold && one.dim === other.dim;
}
