import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** Free bytes for ordinary users by path. */
export type FreeSpace = Record<string, number>;

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
stat -f -c '%a %S %n' "$@" 2>/dev/null || :`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const free = new Map(
        lines.slice(paths.length).map((line) => {
          const [blocks, size, ...name] = line.split(' ');
          return [name.join(' '), Number(blocks) * Number(size)];
        }),
      );
      return Object.fromEntries(paths.map((path, index) => [path, free.get(lines[index] ?? '') ?? 0]));
    },
  };
}
