import { displayWidth, padToWidth, widestOf, wrapWords } from './width.js';

/** A column of a table; one whose cells are all empty is left out. */
export interface Column {
  title: string;
  cells: readonly string[];
  align?: 'left' | 'right';
  /** It may leave a table that is too wide: where all cells are the same, a line below the table has them. */
  mayLeave?: boolean;
}

/**
 * A table as lines, its columns two spaces apart; cells may be coloured. One that is wider than the terminal goes without columns that
 * may leave it. If that does not help, it is written row by row: the first cell, and below it the others, each with its title.
 * @param width of the terminal; default: no table is too wide
 */
export function renderTable(columns: readonly Column[], paintTitle: (text: string) => string, width = Infinity): string[] {
  const shown = columns.filter(({ cells }) => cells.some((cell) => cell !== ''));
  const lines = linesOf(shown, paintTitle);
  if (widestOf(lines) <= width) return lines;
  const rows = lines.length - 1;
  let some = shown;
  const common: Column[] = [];
  for (const column of shown.filter(({ mayLeave }) => mayLeave === true).reverse()) {
    if (rows < 2 || new Set(column.cells).size > 1) continue;
    some = some.filter((other) => other !== column);
    common.unshift(column);
    const narrower = linesOf(some, paintTitle);
    const same = common.map(({ title, cells: [cell = ''] }) => `${paintTitle(title)} ${cell}`.trim()).join(', ');
    if (widestOf(narrower) <= width) return [...narrower, ...wrapWords(`${paintTitle('all:')} ${same}`, width)];
  }
  return Array.from({ length: rows }, (_, row) => stacked(shown, row, paintTitle, width)).flat();
}

function linesOf(shown: readonly Column[], paintTitle: (text: string) => string): string[] {
  const rows = Math.max(0, ...shown.map(({ cells }) => cells.length));
  const line = (texts: readonly string[]): string =>
    shown
      .map(({ title, cells, align }, index) =>
        padToWidth(texts[index] ?? '', widestOf([title, ...cells]), align === 'right' ? 'left' : 'right'),
      )
      .join('  ')
      .trimEnd();
  return [
    paintTitle(line(shown.map(({ title }) => title))),
    ...Array.from({ length: rows }, (_, row) => line(shown.map(({ cells }) => cells[row] ?? ''))),
  ];
}

const INDENT = '  ';

/** One row of a table that is too wide: its cells with their titles, as many in a line as fit. */
function stacked([first, ...others]: readonly Column[], row: number, paintTitle: (text: string) => string, width: number): string[] {
  const cells = others.flatMap(({ title, cells: all }) => {
    const cell = all[row] ?? '';
    if (cell === '') return [];
    return [title === '' ? cell : `${paintTitle(title)} ${cell}`];
  });
  const room = width - INDENT.length;
  const lines: string[] = [];
  for (const cell of cells) {
    const last = lines.at(-1);
    if (last !== undefined && displayWidth(last) + 2 + displayWidth(cell) <= room) lines[lines.length - 1] = `${last}, ${cell}`;
    else lines.push(...wrapWords(cell, room));
  }
  return [first?.cells[row] ?? '', ...lines.map((line) => `${INDENT}${line}`)];
}
