const QUOTED_OR_ESCAPED = /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gsu;
const WORD = /^(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*"|['"\\])+/su;

/** The words of a line as a shell would split it; `#` begins a comment where a word could begin. */
export function shellWords(line: string): string[] {
  const found: string[] = [];
  for (let rest = line.trimStart(); rest !== '' && !rest.startsWith('#'); rest = rest.trimStart()) {
    const [whole = ''] = WORD.exec(rest) ?? [];
    found.push(
      whole.replace(
        QUOTED_OR_ESCAPED,
        (_, single?: string, double?: string, escaped?: string) => single ?? double?.replace(/\\(["\\$`])/gu, '$1') ?? escaped ?? '',
      ),
    );
    rest = rest.slice(whole.length);
  }
  return found;
}
