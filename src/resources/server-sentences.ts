/**
 * What PostgreSQL's program says on stderr: `LOG:` and `FATAL:` lines with the hints and details that follow them; without the one that only
 * says that there were others.
 */
export function sentences(lines: readonly string[]): { message: string; hint: string | undefined }[] {
  const found: { message: string; hint: string | undefined }[] = [];
  for (const line of lines) {
    const { level = '', text = line } = /^(?<level>[A-Z]+): {2}(?<text>.*)$/u.exec(line)?.groups ?? {};
    const last = found.at(-1);
    if (level === 'HINT' || level === 'DETAIL') {
      if (last !== undefined) last.hint = [last.hint, text].filter((part) => part !== undefined).join(' ');
    } else if (level !== '' && level !== 'WARNING')
      found.push({ message: text.replace(/ in file "[^"]*" line \d+$/u, ''), hint: undefined });
  }
  const real = found.filter(({ message }) => !/^configuration file ".*" contains errors$/u.test(message));
  return real.length > 0 ? real : found;
}
