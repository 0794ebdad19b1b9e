import { handle } from './handle.js';
import { Script, sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** Who listens on one TCP port of a host. */
export interface Listener {
  port: number;
  /** Name of the process, e.g. `postgres`. */
  process: string;
  /** Its systemd unit, e.g. `patroni.service`; '' for a process without one. */
  unit: string;
}

/** The observation's id. */
export const PORTS = handle<Listener[]>('ports');

/** Reads what ss says of a listener: its address, who has it, and the control group of the process named last, which tells its unit. */
const LISTENERS = Script.build(`while read -r state received sent address peer users; do
pid=\${users##*pid=}
groups=/proc/\${pid%%,*}/cgroup
group=
[ ! -r "$groups" ] || while read -r line; do
case "$line" in *.service*) group=$line; break ;; esac
done <"$groups"
printf '%s\\t%s\\t%s\\n' "$address" "$users" "$group"
done`);

/** Listeners on these ports; none where `ss` is missing, so a preflight can then not object. */
export function ports(numbers: readonly number[]): Observation<Listener[]> {
  const filter = [...new Set(numbers)].map((port) => `sport = :${port}`).join(' or ');
  return {
    ...PORTS,
    when: 'start',
    probe: () => sh`ss -Hltnp ${`( ${filter} )`} 2>/dev/null | ${LISTENERS}`,
    parse: (answer) => {
      const found = answerLines(answer).map((line) => {
        const [address = '', users = '', group = ''] = line.split('\t');
        const [, process = ''] = /users:\(\("([^"]*)"/u.exec(users) ?? [];
        const [unit = ''] = /[^/]*\.service/u.exec(group) ?? [];
        return { port: Number(address.slice(address.lastIndexOf(':') + 1)), process, unit };
      });
      const distinct = new Map(found.map((listener) => [`${listener.port} ${listener.unit} ${listener.process}`, listener]));
      return [...distinct.values()];
    },
  };
}
