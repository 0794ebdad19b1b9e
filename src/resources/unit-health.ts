import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** How a unit of systemd fares. */
export interface UnitHealth {
  /** Without `.service`. */
  unit: string;
  /** e.g. `active`, `failed`, `activating` */
  active: string;
  /** e.g. `running`, `auto-restart` */
  sub: string;
  /** Why it ended last: `success`, `exit-code`, `oom-kill`, `start-limit-hit`, … */
  result: string;
  /** How often systemd started it again by itself. */
  restarts: number;
  /** Seconds in its present state; undefined: it never had another. */
  seconds?: number;
}

/** The observation's id. */
export const UNIT_HEALTH = handle<readonly UnitHealth[]>('unit-health');

/** What systemd says of units, named without `.service`, besides whether they run; of those that it knows. */
export function unitHealth(units: readonly string[]): Observation<readonly UnitHealth[]> {
  const properties = ['Id', 'LoadState', 'ActiveState', 'SubState', 'Result', 'NRestarts', 'StateChangeTimestampMonotonic'];
  return {
    ...UNIT_HEALTH,
    when: 'start',
    probe: () => sh`read -r up idle </proc/uptime
printf 'uptime=%s\n' "$up"
systemctl show ${properties.flatMap((name) => ['-p', name])} ${units.map((unit) => `${unit}.service`)} 2>/dev/null || :`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const uptime = Number(lines[0]?.split('=')[1] ?? 0);
      const found: Map<string, string>[] = [];
      let block = new Map<string, string>();
      // systemd prints the properties in an order of its own, and a unit has each once.
      for (const line of lines.slice(1)) {
        const at = line.indexOf('=');
        const name = line.slice(0, at);
        if (block.has(name)) block = new Map();
        if (block.size === 0) found.push(block);
        block.set(name, line.slice(at + 1));
      }
      return found.flatMap((values): UnitHealth[] => {
        const get = (name: string): string => values.get(name) ?? '';
        if (get('LoadState') !== 'loaded') return [];
        const changed = Number(get('StateChangeTimestampMonotonic') || 0) / 1_000_000;
        return [
          {
            unit: get('Id').replace(/\.service$/u, ''),
            active: get('ActiveState'),
            sub: get('SubState'),
            result: get('Result'),
            restarts: Number(get('NRestarts') || 0),
            ...(changed === 0 ? {} : { seconds: Math.max(0, uptime - changed) }),
          },
        ];
      });
    },
  };
}
