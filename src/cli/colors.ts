import { chooseOutput } from '../report/choose-output.js';
import type { ErrorLook } from '../report/error-text.js';
import { rowsOf, wrapColumns } from '../report/width.js';

/** Whether text on a stream is to be coloured. */
export function colors(stream: NodeJS.WriteStream): boolean {
  return chooseOutput('plain', stream, process.env).color;
}

/** How errors, and answers such as a status, are shown on a stream. */
export function errorLook(stream: NodeJS.WriteStream): ErrorLook {
  return { color: colors(stream), columns: wrapColumns(stream), rows: rowsOf(stream) };
}
