import { displayWidth, padToWidth, widestOf, wrapWords } from './width.js';

/** A column of a table; one whose cells are all empty is left out. */
export interface Column {
  title: string;
  cells: readonly string[];
  align?: 'left' | 'right';
}

/**
 * A table as lines, its columns two spaces apart; cells may be coloured. One that is wider than the terminal is written row by row: the
 * first cell, and below it the others, each with its title.
 * @param width of the terminal; default: no table is too wide
 */
export function renderTable(columns: readonly Column[], paintTitle: (text: string) => string, width = Infinity): string[] {
  const shown = columns.filter(({ cells }) => cells.some((cell) => cell !== ''));
  const rows = Math.max(0, ...shown.map(({ cells }) => cells.length));
  const line = (texts: readonly string[]): string =>
    shown
      .map(({ title, cells, align }, index) =>
        padToWidth(texts[index] ?? '', widestOf([title, ...cells]), align === 'right' ? 'left' : 'right'),
      )
      .join('  ')
      .trimEnd();
  const lines = [
    line(shown.map(({ title }) => title)),
    ...Array.from({ length: rows }, (_, row) => line(shown.map(({ cells }) => cells[row] ?? ''))),
  ];
  if (widestOf(lines) > width) return Array.from({ length: rows }, (_, row) => stacked(shown, row, paintTitle, width)).flat();
  return lines.map((text, index) => (index === 0 ? paintTitle(text) : text));
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
