import { columnsOf, wrapWords } from '../report/width.js';

/**
 * A text that follows the options of a command's help, wrapped as those are: at the terminal's width, and at 80 columns where there is none.
 * Lines that are indented stay as they are; others are one paragraph with their neighbours.
 */
export function helpText(text: string): () => string {
  return () => {
    const { stdout } = process;
    const columns = columnsOf(stdout.isTTY ? stdout : {});
    return paragraphs(text)
      .flatMap((line) => (line.startsWith(' ') ? [line] : wrapWords(line, columns)))
      .join('\n');
  };
}

function paragraphs(text: string): string[] {
  const found: string[] = [];
  let isOpen = false;
  for (const line of text.split('\n')) {
    const isOwn = line === '' || line.startsWith(' ');
    if (isOpen && !isOwn) found.push(`${found.pop()} ${line}`);
    else found.push(line);
    isOpen = !isOwn;
  }
  return found;
}
