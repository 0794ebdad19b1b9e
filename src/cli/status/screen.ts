import { columnsOf, cutToWidth } from '../../report/width.js';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const USUAL_ROWS = 24;

/** A terminal's second screen, on which a text is drawn over itself; the first one comes back as it was. */
export class Screen {
  readonly #out: NodeJS.WriteStream;
  readonly #text: () => string;
  readonly #leave = (): void => this.close();
  readonly #redraw = (): void => this.draw();
  #open = false;

  /** @param text what is to be seen now, for the width that the terminal has now */
  constructor(out: NodeJS.WriteStream, text: () => string) {
    this.#out = out;
    this.#text = text;
  }

  open(): void {
    this.#open = true;
    this.#out.write(ENTER);
    // Whatever ends the process, its terminal is to be usable after it.
    process.once('exit', this.#leave);
    this.#out.on('resize', this.#redraw);
    this.draw();
  }

  /** Draws the text as it is now, cut to what the terminal can show. */
  draw(): void {
    if (!this.#open) return;
    const rows = this.#out.rows > 0 ? this.#out.rows : USUAL_ROWS;
    const columns = columnsOf(this.#out);
    const all = this.#text().split('\n');
    const shown =
      all.length <= rows ? all : [...all.slice(0, rows - 1), `… ${all.length - rows + 1} more lines, for which the window is too small`];
    const lines = shown.map((line) => `${cutToWidth(line, columns)}\u001b[K`);
    this.#out.write(`\u001b[H${lines.join('\r\n')}\u001b[J`);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    process.off('exit', this.#leave);
    this.#out.off('resize', this.#redraw);
    this.#out.write(LEAVE);
  }
}
