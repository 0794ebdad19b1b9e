import { hanging, wrapColumns } from '../report/width.js';

/** Writes what people read, behind what begins its first line; a terminal gets lines that are broken between words. */
export function writeSentence(stream: NodeJS.WritableStream, begin: string, text: string): void {
  stream.write(`${hanging(begin, text, wrapColumns(stream as NodeJS.WriteStream)).join('\n')}\n`);
}
