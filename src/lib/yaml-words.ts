/** What is said where the words of the `yaml` package would quote what stands in the file. */
const WITHOUT_QUOTES: Readonly<Record<string, string>> = {
  TAG_RESOLVE_FAILED: 'unknown tag; a text that begins with ! must be in quotes',
  BAD_DQ_ESCAPE: 'unknown escape sequence; between single quotes a \\ is just a \\',
  BAD_DIRECTIVE: 'unknown directive; a text that begins with % must be in quotes',
};

/** What is said of an alias that stands for nothing. */
export const NO_ANCHOR = 'there is no anchor of this name before the alias; a text that begins with * must be in quotes';

/**
 * What an error of the `yaml` package says, and where if it says so, without a word of the file: what cannot be read may be a
 * password.
 */
export function yamlErrorWords(error: unknown): string {
  if (error instanceof ReferenceError) return NO_ANCHOR;
  const { code = '', message } = error as { code?: string; message: string };
  const [first = ''] = message.split('\n');
  const [place = ''] = / at line \d+, column \d+/u.exec(first) ?? [];
  const words =
    WITHOUT_QUOTES[code] ??
    first
      .replace(place, '')
      .replace(/(?<=\S): .*$/su, '')
      .replace(/:$/u, '');
  return `${words.charAt(0).toLowerCase()}${words.slice(1)}${place}`;
}
