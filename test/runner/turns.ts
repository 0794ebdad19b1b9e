import { sample } from '../support/depth.js';

/**
 * Files with hosts that take turns, by their names without `.test.ts`. Each takes minutes, and what it is about is looked at by others as well or changes
 * seldom. Every run takes half of them, so that `npm test` stays within its time, and a week of days all.
 */
const IN_TURN = [
  'access',
  'access-lines',
  'config',
  'correction',
  'extending',
  'in-force',
  'kill',
  'leaks',
  'maintenance',
  'preflight',
  'rotate',
  'says',
  'vagrant',
  'wait',
  'walk',
  'watching',
] as const;

/**
 * The files that rest in this run: those whose turn it is not by the seed. None rests in the matrix, nor one that is asked for by its name.
 * @param words of the command line
 */
export function resting(words: readonly string[], all: readonly string[] = IN_TURN): string[] {
  const taken = sample(all, Math.ceil(all.length / 2), 'files in turn');
  return all.filter((name) => !taken.includes(name) && !words.some((word) => word.includes(name)));
}

/** What the end of a run says of them; nothing where none rests. */
export function restingWords(names: readonly string[]): string[] {
  const [first] = names;
  if (first === undefined) return [];
  return [
    `Skipped, because it is not their turn by the seed (${names.length} files with hosts): ${names.join(', ')}.`,
    `\`npm test -- ${first}\` runs one of them; PGPROV_MATRIX=1 takes all.`,
  ];
}
