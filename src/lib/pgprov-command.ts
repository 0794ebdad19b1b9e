import { quote } from './shell-word.js';

/** What may stand in a hole of the `pgprov` tag: an inventory becomes its file, an array becomes words. */
type CommandValue = string | number | { readonly file: string } | readonly string[];

/**
 * A command of pgprov for a message, as one can paste it into a shell: `` pgprov`restart ${inventory} --host ${names}` ``
 * is `` `pgprov restart '/my files/inventory.yml' --host pg1,pg2` ``, with its backticks. Messages write no command lines by hand.
 */
export function pgprov(strings: TemplateStringsArray, ...values: CommandValue[]): string {
  return `\`${plainPgprov(strings, ...values)}\``;
}

/** The same without backticks, for an event: whoever tells of it puts them around it. */
export function plainPgprov(strings: TemplateStringsArray, ...values: CommandValue[]): string {
  const words = values.map(wordsOf);
  const text = strings.reduce((line, literal, index) => `${line}${words[index - 1] ?? ''}${literal}`, '');
  return `pgprov ${text.trimEnd()}`;
}

function wordsOf(value: CommandValue): string {
  if (typeof value === 'string' || typeof value === 'number') return quote(value);
  return Array.isArray(value) ? value.map((word: string) => quote(word)).join(' ') : quote((value as { file: string }).file);
}
