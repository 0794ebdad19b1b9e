import { distance } from 'fastest-levenshtein';

/** Shorter words are the beginning of too many others to guess what was meant. */
const SHORTEST_PREFIX = 4;

/** Spelling differences that people do not notice: case, camelCase, dashes for underscores. */
function plain(word: string): string {
  return word
    .replace(/([a-z0-9])([A-Z])/gu, '$1_$2')
    .toLowerCase()
    .replaceAll('-', '_');
}

/** Number of typing errors between two words; two letters in the wrong order are one error. */
function typingErrors(a: string, b: string): number {
  const errors = distance(a, b);
  const swapped = errors === 2 && [...a].sort().join('') === [...b].sort().join('');
  return swapped ? 1 : errors;
}

/** The candidate that `word` was probably meant to be, or undefined when none is close enough. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = plain(word);
  let best: { candidate: string; errors: number } | undefined;
  for (const candidate of candidates) {
    const other = plain(candidate);
    const beginning = wanted.length >= SHORTEST_PREFIX && other.startsWith(wanted);
    const errors = beginning ? 1 : typingErrors(wanted, other);
    const tolerated = Math.max(1, Math.floor(Math.max(wanted.length, other.length) / 3));
    if (errors <= tolerated && (best === undefined || errors < best.errors)) best = { candidate, errors };
  }
  return best?.candidate;
}

/** `did you mean "patroni"?`, or undefined when nothing is close. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const candidate = nearest(word, candidates);
  return candidate === undefined ? undefined : `did you mean "${candidate}"?`;
}

/** What is said of a name that is none of those that there are, and what to do: the nearest one, and all. */
export function unknownName(kind: string, name: string, there: readonly string[]): { message: string; hint: string } {
  const meant = nearest(name, there);
  const list = there.length === 0 ? `there are no ${kind}s` : `the ${kind}s are ${there.join(', ')}`;
  return { message: `there is no ${kind} ${JSON.stringify(name)}`, hint: meant === undefined ? list : `did you mean ${meant}? ${list}` };
}
