/** Whether a stream is to be coloured: NO_COLOR and FORCE_COLOR win, then what the terminal can do. */
export function colors(stream: NodeJS.WriteStream): boolean {
  if ((process.env['NO_COLOR'] ?? '') !== '') return false;
  if ((process.env['FORCE_COLOR'] ?? '') !== '') return process.env['FORCE_COLOR'] !== '0';
  return stream.isTTY === true && stream.hasColors();
}
