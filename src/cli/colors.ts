import { chooseOutput } from '../report/choose-output.js';

/** Whether text on a stream is to be coloured. */
export function colors(stream: NodeJS.WriteStream): boolean {
  return chooseOutput('plain', stream, process.env).color;
}
