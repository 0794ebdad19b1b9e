/** Waits until everything written to a stream has left this process; a reader that went away ends the wait too. */
export async function flush(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.destroyed || stream.writableEnded) return;
  await new Promise<void>((resolve) => stream.write('', () => resolve()));
}
