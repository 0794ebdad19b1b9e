import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** Free bytes for ordinary users by path; where stat did not tell them, what it said instead. */
export type FreeSpace = Record<string, number | string>;

/** The observation's id. */
export const FREE_SPACE = handle<FreeSpace>('free-space');

/** Free space where each path is, or will be: the nearest directory above it that exists counts. */
export function freeSpace(paths: readonly string[]): Observation<FreeSpace> {
  return {
    ...FREE_SPACE,
    when: 'start',
    // A line each of where the paths are, then as many of what stat says of these.
    probe: () => sh`set --
for at in ${paths}; do
while [ ! -d "$at" ]; do at=$(dirname "$at"); done
printf '%s\n' "$at"
set -- "$@" "$at"
done
stat -f -c '%a %S %n' "$@" 2>&1 || :`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const said = lines.slice(paths.length).map((line) => ({ line, words: /^(\d+) (\d+) (.*)$/u.exec(line) }));
      const free = new Map(said.flatMap(({ words }) => (words === null ? [] : [[words[3], Number(words[1]) * Number(words[2])] as const])));
      const trouble = said.flatMap(({ line, words }) => (words === null ? [line] : [])).join('; ');
      return Object.fromEntries(paths.map((path, index) => [path, free.get(lines[index]) ?? trouble]));
    },
  };
}
