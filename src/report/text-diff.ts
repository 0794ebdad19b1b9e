import { structuredPatch } from 'diff';
import { makePaint } from './paint.js';

const CONTEXT = 3;

/** The unified diff of two texts as lines, without file headers; empty when they are the same. */
export function diffLines(before: string, after: string, { color }: { color: boolean }): string[] {
  const paint = makePaint(color);
  const styles: Readonly<Record<string, (text: string) => string>> = { '+': paint.ok, '-': paint.failed, '\\': paint.quiet };
  const plain = (text: string): string => text;
  const { hunks } = structuredPatch('', '', before, after, '', '', { context: CONTEXT });
  return hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    paint.active(`@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`),
    ...lines.map((line) => (styles[line.charAt(0)] ?? plain)(line)),
  ]);
}

/** An empty range names the line before it, which jsdiff leaves to its own formatter. */
function range(start: number, lines: number): string {
  return lines === 1 ? `${start}` : `${lines === 0 ? start - 1 : start},${lines}`;
}
