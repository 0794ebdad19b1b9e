import type { ErrorLook } from './error-text.js';
import { makePaint } from './paint.js';
import { printable } from './printable.js';
import { renderTable } from './table.js';
import { listNames } from './words.js';

/** A snapshot of a list. */
export interface ListedSnapshot {
  file: string;
  /** ISO 8601. */
  at: string;
  operation: string;
  by: string;
  hosts: readonly string[];
  /** It has Patroni's keys, the dynamic configuration among them. */
  configuration: boolean;
  count: number;
  size: string;
  /** What it does not have: hosts, files; '' where it has all. */
  lacks: string;
}

/** Snapshots as a table, in the order given. */
export function renderSnapshots(snapshots: readonly ListedSnapshot[], { color, columns = Infinity }: ErrorLook): string[] {
  return renderTable(
    [
      { title: 'taken (UTC)', cells: snapshots.map(({ at }) => at.slice(0, 19).replace('T', ' ')) },
      { title: 'in', cells: snapshots.map(({ operation }) => printable(operation)) },
      { title: 'by', cells: snapshots.map(({ by }) => printable(by)) },
      { title: 'of', cells: snapshots.map(({ hosts }) => listNames(hosts, 3)) },
      { title: 'Patroni’s keys', cells: snapshots.map(({ configuration }) => (configuration ? 'yes' : 'no')) },
      { title: 'files', cells: snapshots.map(({ count }) => String(count)), align: 'right' },
      { title: 'size', cells: snapshots.map(({ size }) => size), align: 'right' },
      { title: 'lacks', cells: snapshots.map(({ lacks }) => printable(lacks)) },
      { title: 'file', cells: snapshots.map(({ file }) => printable(file)) },
    ],
    makePaint(color).quiet,
    columns,
  );
}
