import { padToWidth, widestOf } from './width.js';

/** A column of a table; one whose cells are all empty is left out. */
export interface Column {
  title: string;
  cells: readonly string[];
  align?: 'left' | 'right';
}

/** A table as lines, its columns two spaces apart; cells may be coloured. */
export function renderTable(columns: readonly Column[], paintTitle: (text: string) => string): string[] {
  const shown = columns.filter(({ cells }) => cells.some((cell) => cell !== ''));
  const rows = Math.max(0, ...shown.map(({ cells }) => cells.length));
  const line = (texts: readonly string[]): string => shown
    .map(({ title, cells, align }, index) => padToWidth(texts[index] ?? '', widestOf([title, ...cells]), align === 'right' ? 'left' : 'right'))
    .join('  ')
    .trimEnd();
  return [
    paintTitle(line(shown.map(({ title }) => title))),
    ...Array.from({ length: rows }, (_, row) => line(shown.map(({ cells }) => cells[row] ?? ''))),
  ];
}
