import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** What would run on a host besides what is known of it. */
export interface StrayServices {
  /** Units that start at boot, named without `.service`. */
  enabled: readonly string[];
  /** Units that run, or are about to. */
  active: readonly string[];
  /** Clusters of postgresql-common that start at boot, as `17/main`, and their data directories. */
  clusters: readonly { name: string; dataDirectory: string }[];
}

/** The observation's id. */
export const STRAY_SERVICES = handle<StrayServices>('stray-services');

/** Units whose names begin so that start at boot or run, and the clusters that Debian's `postgresql.service` starts at boot. */
export function strayServices(beginnings: readonly string[]): Observation<StrayServices> {
  const patterns = beginnings.flatMap((name) => [`${name}.service`, `${name}[-@]*.service`]);
  return {
    ...STRAY_SERVICES,
    when: 'start',
    probe:
      () => sh`systemctl list-unit-files --no-legend --no-pager --type=service --state=enabled ${patterns} 2>/dev/null | while read -r unit rest; do printf 'enabled\t%s\n' "$unit"; done
systemctl list-units --no-legend --no-pager --plain --type=service --state=active,activating ${patterns} 2>/dev/null | while read -r unit load active sub rest; do
[ "$sub" = exited ] || printf 'active\t%s\n' "$unit"
done
for conf in /etc/postgresql/*/*/postgresql.conf; do
[ -e "$conf" ] || continue
at=$(dirname "$conf")
start=$(sed -n 's/^ *\([a-z]*\).*/\1/p' "$at/start.conf" 2>/dev/null | head -n 1)
case "$start" in ''|auto) printf 'cluster\t%s\t%s\n' "$at" "$(sed -n ${"s/^ *data_directory *= *'\\(.*\\)'.*/\\1/p"} "$conf" | tail -n 1)" ;; esac
done`,
    parse: (answer) => {
      const lines = answerLines(answer).map((line) => line.split('\t'));
      const units = (kind: string): string[] =>
        lines.flatMap(([first, unit]) => (first === kind && unit !== undefined ? [unit.replace(/\.service$/u, '')] : []));
      return {
        enabled: units('enabled'),
        active: units('active'),
        clusters: lines
          .filter(([kind]) => kind === 'cluster')
          .map(([, at = '', dataDirectory = '']) => ({ name: at.replace('/etc/postgresql/', ''), dataDirectory })),
      };
    },
  };
}
