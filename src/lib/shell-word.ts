const SAFE_WORD = /^[A-Za-z0-9_@%+:,./-]+$/u;

/**
 * One shell word that expands to exactly `value`, whatever it holds.
 * @throws RangeError on a NUL character, which no shell word can hold
 */
export function quote(value: string | number): string {
  const text = String(value);
  if (text.includes('\0')) throw new RangeError('a shell word cannot hold a NUL character');
  if (SAFE_WORD.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
