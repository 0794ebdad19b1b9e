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
    asked: 'first',
    probe: () => sh`ss -Hltnp ${`( ${filter} )`} 2>/dev/null | awk '{
name = pid = unit = ""
if (match($0, /users:\(\("[^"]*"/)) name = substr($0, RSTART + 9, RLENGTH - 10)
if (match($0, /.*pid=[0-9]+/)) { pid = substr($0, RSTART, RLENGTH); sub(/.*pid=/, "", pid) }
groups = "/proc/" pid "/cgroup"
while (pid != "" && unit == "" && (getline line < groups) > 0) if (match(line, /[^\/]*\.service/)) unit = substr(line, RSTART, RLENGTH)
close(groups)
printf "%s\t%s\t%s\n", $4, name, unit
}'`,
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
