import { policyName } from '../../../src/resources/firewall/firewalld.js';
import { libpqQuoted, sqlIdentifier, sqlLiteral } from '../../../src/resources/psql.js';

/** How a value may stand in a longer word or text; the tests of files read each of these back. */
const ENCODINGS: readonly ((value: string) => string)[] = [
  (value) => value,
  // A data directory, which is kept without slashes at its end, and what SELinux has for a pattern of it.
  (value) => value.replace(/(?<=[^/])\/+$/u, ''),
  (value) =>
    value
      .replace(/\/+$/u, '')
      .replace(/[.\\+*?[\](){}^$|]/gu, '\\$&')
      .replaceAll(' ', '[[:space:]]'),
  (value) => policyName(value).replace(/^pgprov-/u, ''),
  (value) => encodeURI(value),
  (value) => sqlLiteral(value),
  (value) => sqlIdentifier(value),
  (value) => libpqQuoted(value),
];

/** The directory that a path is in. */
function above(path: string): string {
  return path.replace(/\/+$/u, '').replace(/\/[^/]*$/u, '') || '/';
}

/** Whether a word with a hostile value in it is the word with the benign one, and nothing else. */
export function sameWord(hostile: string, benign: string, value: string, plain: string): boolean {
  if (hostile === above(value) && benign === above(plain)) return true;
  return hostile === benign || ENCODINGS.some((encode) => benign.replaceAll(encode(plain), () => encode(value)) === hostile);
}
