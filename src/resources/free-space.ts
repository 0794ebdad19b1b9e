import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** Free bytes for ordinary users by path. */
export type FreeSpace = Record<string, number>;

/** The observation's id. */
export const FREE_SPACE = 'free-space';

/** Free space where each path is, or will be: the nearest directory above it that exists counts. */
export function freeSpace(paths: readonly string[]): Observation<FreeSpace> {
  return {
    id: FREE_SPACE,
    asked: 'first',
    probe: () => sh`for path in ${paths}; do
at=$path
while [ ! -d "$at" ]; do at=$(dirname "$at"); done
printf '%s\t%s\n' "$path" "$(df -Pk "$at" | awk 'NR == 2 { print $4 }')"
done`,
    parse: (answer) =>
      Object.fromEntries(
        answerLines(answer).map((line) => {
          const [path = '', kilobytes = '0'] = line.split('\t');
          return [path, Number(kilobytes) * 1024];
        }),
      ),
  };
}
