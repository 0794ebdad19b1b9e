import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** What names resolve to on a host. */
export interface NamesState {
  /** Addresses by name; of a name that did not resolve none, and undefined where the host took too long to tell. */
  addresses: Readonly<Record<string, readonly string[] | undefined>>;
  /** Lines of /etc/hosts that have any of the names. */
  lines: readonly string[];
}

/** The observation's id. */
export const NAMES = handle<NamesState>('names');

/** What these names resolve to, as every program on the host sees it. */
export function names(wanted: readonly string[]): Observation<NamesState> {
  return {
    ...NAMES,
    when: 'start',
    probe: () => sh`for name in ${wanted}; do
status=0
found=$(timeout 3 getent ahosts "$name" 2>/dev/null) || status=$?
case $status in 0|2) printf 'asked\t%s\n' "$name" ;; *) break ;; esac
printf '%s\n' "$found" | while read -r address rest; do
[ -z "$address" ] || printf 'address\t%s\t%s\n' "$name" "$address"
done
grep -w -F -e "$name" /etc/hosts 2>/dev/null | grep -v '^ *#' | sed 's/^/line\t/' || :
done`,
    parse: (answer) => {
      const lines = answerLines(answer).map((line) => line.split('\t'));
      const of = (kind: string): string[][] => lines.filter(([first]) => first === kind).map(([, ...rest]) => rest);
      const asked = new Set(of('asked').map(([name]) => name));
      const found = of('address');
      const addressesOf = (name: string): string[] => [
        ...new Set(found.flatMap(([whose, address]) => (whose === name && address !== undefined ? [address] : []))),
      ];
      return {
        addresses: Object.fromEntries(wanted.map((name) => [name, asked.has(name) ? addressesOf(name) : undefined])),
        lines: [...new Set(of('line').map((words) => words.join('\t')))],
      };
    },
  };
}
