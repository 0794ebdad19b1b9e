/**
 * Text with the lines between two marker lines replaced, or the block added at the end. A first marker
 * without the second is replaced alone, so that nobody else's lines are lost.
 * @param ahead the block is to stand ahead of the first line of others that this matches, wherever it was
 */
export function replaceBlock(current: string, name: string, lines: readonly string[], ahead?: RegExp): string {
  const begin = `# BEGIN pgprov ${name}`;
  const end = `# END pgprov ${name}`;
  const block = [begin, ...lines, end];
  const present = current === '' ? [] : current.replace(/\n$/u, '').split('\n');
  const from = present.indexOf(begin);
  const to = from < 0 ? -1 : Math.max(from, present.indexOf(end, from));
  const others = from < 0 ? present : [...present.slice(0, from), ...present.slice(to + 1)];
  const first = ahead === undefined ? -1 : outsideBlocks(others).findIndex((line) => line !== undefined && ahead.test(line));
  const at = Math.min(...[from, first].filter((index) => index >= 0), others.length);
  return `${[...others.slice(0, at), ...block, ...others.slice(at)].join('\n')}\n`;
}

/** The text without the block that pgprov has written for a cluster. */
export function removeBlock(current: string, name: string): string {
  const lines = current.split('\n');
  const from = lines.indexOf(`# BEGIN pgprov ${name}`);
  const to = from < 0 ? -1 : lines.indexOf(`# END pgprov ${name}`, from);
  return to < 0 ? current : [...lines.slice(0, from), ...lines.slice(to + 1)].join('\n');
}

/** The lines; undefined for those between markers, which belong to another cluster. */
function outsideBlocks(lines: readonly string[]): (string | undefined)[] {
  let inside = false;
  return lines.map((line) => {
    if (line.startsWith('# BEGIN pgprov ')) inside = true;
    const belongs = inside;
    if (line.startsWith('# END pgprov ')) inside = false;
    return belongs ? undefined : line;
  });
}
