/** What JSON lines hold; a line that is none is passed over, such as half of one by a process that was killed. */
export function readJsonLines(text: string): unknown[] {
  return text.split('\n').flatMap((line) => {
    try {
      return [JSON.parse(line) as unknown];
    } catch {
      return [];
    }
  });
}
