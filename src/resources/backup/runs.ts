import { sh } from '../../shell/quote.js';
import { pgbackrestWords } from './info.js';
import { handle } from '../handle.js';
import { answerLines, type Observation } from '../resource.js';
import { expand } from '../server-process.js';

/** The last run of a unit that takes backups. */
export interface BackupRun {
  /** Without `.service`. */
  unit: string;
  /** `idle`: it ended well, or never ran since the host booted. */
  state: 'running' | 'failed' | 'idle';
  /** When it began, in seconds since 1970 by the host's clock; undefined: it never ran since the host booted. */
  began?: number;
  /** How systemd calls its failure: `exit-code`, `timeout`, `signal`, … */
  result?: string;
  /** A command had it take a backup then, and has not seen its end, in seconds since 1970 by the host's clock. */
  asked?: number;
  /** Backups that end later than that are that command's own, by the clock of the server that led; absent: nobody noted it. */
  after?: number;
  /** pgBackRest's own words for what went wrong, also while its processes are still there; undefined: none. */
  error?: string;
}

/** The observation's id; the units that systemd knows. */
export const BACKUP_RUNS = handle<readonly BackupRun[]>('backup-runs');

const PROPERTIES = ['Id', 'LoadState', 'ActiveState', 'Result', 'ExecMainStartTimestampMonotonic'];

/** Where a host notes since when a command waits for the unit of that name. */
export const ASKED_NOTES = '/var/lib/pgprov/backup-asked';

/** Of an error pgBackRest writes so many lines at most. */
const LINES = 12;

/** How the units fared that take backups, named without `.service`. */
export function backupRuns(units: readonly string[]): Observation<readonly BackupRun[]> {
  return {
    ...BACKUP_RUNS,
    // The unit's own processes alone: what systemd says of it has its own unit.
    probe: () => sh`now=$(date +%s)
read -r up idle </proc/uptime
for unit in ${units.map((unit) => `${unit}.service`)}; do
shown=$(systemctl show ${PROPERTIES.flatMap((name) => ['-p', name])} "$unit" 2>/dev/null) || continue
began=$(printf '%s\n' "$shown" | sed -n 's/^ExecMainStartTimestampMonotonic=//p')
printf '%s\n' "$shown"
if { read -r asked after <${ASKED_NOTES}/"${expand('unit%.service')}"; } 2>/dev/null; then printf '%s\n' "Asked=$asked" "After=$after"; fi
case "$began" in '' | 0) continue ;; esac
began=$(awk -v now="$now" -v up="$up" -v began="$began" 'BEGIN { printf "%d", now - up + began / 1000000 }')
echo "Began=$began"
journalctl --quiet --no-pager --all --output=cat --since="@$began" "_SYSTEMD_UNIT=$unit" 2>/dev/null |
awk -v most=${LINES} '/WARN: unable to check /{ sub(/^.*WARN: /, ""); if (m < most) warned[++m] = $0; next }
/ERROR: /{ n = 0; at = 1 } at && n < most { said[++n] = $0 }
END { for (i = 1; i <= n; i++) print "Said=" said[i]; if (said[1] ~ /unable to find primary cluster/) for (i = 1; i <= m; i++) print "Unasked=" warned[i] }'
done`,
    parse: (answer) => {
      const runs: BackupRun[] = [];
      for (const block of blocksOf(answerLines(answer))) {
        const get = (name: string): string => block.find(([key]) => key === name)?.[1] ?? '';
        if (get('LoadState') !== 'loaded') continue;
        const active = get('ActiveState');
        const all = (name: string): string[] => block.filter(([key]) => key === name).map(([, line]) => line);
        const error = causedBy(pgbackrestWords(all('Said')), all('Unasked'));
        const state = active === 'failed' ? 'failed' : active === 'inactive' ? 'idle' : 'running';
        runs.push({
          unit: get('Id').replace(/\.service$/u, ''),
          state,
          ...(get('Began') === '' ? {} : { began: Number(get('Began')) }),
          ...(state === 'failed' ? { result: get('Result') } : {}),
          ...(/^\d+$/u.test(get('Asked')) ? { asked: Number(get('Asked')) } : {}),
          ...(/^\d+$/u.test(get('After')) ? { after: Number(get('After')) } : {}),
          ...(error === '' ? {} : { error }),
        });
      }
      return runs;
    },
  };
}

/** What was found missing, and why the hosts could not be asked that may have it. */
function causedBy(words: string, causes: readonly string[]): string {
  if (causes.length === 0) return words;
  const [first = '', ...more] = words.split('\n');
  return [`${first}:`, ...causes, ...more].join('\n');
}

type Line = readonly [name: string, value: string];

/** What a unit may have more than one line of. */
const MANY = ['Said', 'Unasked'];

/** systemd prints the properties in an order of its own, and a unit has each once; what is added comes after them. */
function blocksOf(lines: readonly string[]): Line[][] {
  const blocks: Line[][] = [];
  for (const text of lines) {
    const line: Line = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)];
    const last = blocks.at(-1);
    if (last === undefined || (!MANY.includes(line[0]) && last.some(([name]) => name === line[0]))) blocks.push([line]);
    else last.push(line);
  }
  return blocks;
}
