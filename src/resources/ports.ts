import { sh } from '../shell/quote.js';
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
export const PORTS = 'ports';

/** Listeners on these ports; none where `ss` is missing, so a preflight can then not object. */
export function ports(numbers: readonly number[]): Observation<Listener[]> {
  const filter = [...new Set(numbers)].map((port) => `sport = :${port}`).join(' or ');
  return {
    id: PORTS,
    probe: () => sh`ss -Hltnp ${`( ${filter} )`} 2>/dev/null | while read -r _ _ _ local _ users; do
pid=$(printf %s "$users" | sed -n 's/.*pid=\([0-9]*\).*/\1/p')
name=$(printf %s "$users" | sed -n 's/^users:(("\([^"]*\)".*/\1/p')
unit=$(sed -n 's|.*/\([^/]*\.service\).*|\1|p' "/proc/$pid/cgroup" 2>/dev/null | head -n 1)
printf '%s\t%s\t%s\n' "$local" "$name" "$unit"
done`,
    parse: (answer) => {
      const found = answerLines(answer).map((line) => {
        const [local = '', process = '', unit = ''] = line.split('\t');
        return { port: Number(local.slice(local.lastIndexOf(':') + 1)), process, unit };
      });
      const distinct = new Map(found.map((listener) => [`${listener.port} ${listener.unit} ${listener.process}`, listener]));
      return [...distinct.values()];
    },
  };
}
