import { handle } from '../handle.js';
import { endPutOff, putOff } from '../put-off.js';
import { answerLines, digestOf, type Observation, type Resource } from '../resource.js';
import { joinScripts, NOTHING, sh } from '../../shell/quote.js';

/** The timers of scheduled backups on a host, by their units: `pgprov-backup@full.timer`. */
export interface BackupTimers {
  /** They run. */
  active: readonly string[];
  /** They were stopped, also for the next boot, until somebody starts them again. */
  held: readonly string[];
}

/** The observation's id. */
export const BACKUP_TIMERS = handle<BackupTimers>('backup-timers');

/** Where systemd notes by the time of a file when a timer that catches up has begun something last. */
const STAMPS = '/var/lib/systemd/timers';

const PATTERN = 'pgprov-backup@*.timer';

/** Which backups are scheduled on the host, and which are held. */
export function backupTimers(): Observation<BackupTimers> {
  return {
    ...BACKUP_TIMERS,
    probe:
      () => sh`systemctl list-units --plain --no-legend --state=active ${PATTERN} 2>/dev/null | sed -n 's/^\([^ ]*\.timer\) .*/active=\1/p'
for note in /var/lib/pgprov/stopped/pgprov-backup@*.timer; do [ ! -e "$note" ] || echo "held=$(basename "$note")"; done`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
      return { active: all('active'), held: all('held') };
    },
  };
}

/** No backup begins by its schedule on this host, also after a boot. */
export function timersHeld(): Resource<BackupTimers> {
  return {
    ...backupTimers(),
    id: `${BACKUP_TIMERS.id}:held`,
    diff: ({ active }) => (active.length === 0 ? [] : [{ action: 'run', summary: `hold ${active.join(', ')}` }]),
    apply: (_changes, { active }) =>
      joinScripts(
        active.map(
          (timer) => sh`${putOff(timer)}
systemctl stop ${timer}`,
        ),
      ),
    digest: () => digestOf(BACKUP_TIMERS.id, 'held'),
  };
}

/**
 * Timers that were held run again.
 * @param catchUp whether a backup begins at once that would have begun meanwhile
 */
export function timersRun(catchUp = true): Resource<BackupTimers> {
  return {
    ...backupTimers(),
    id: `${BACKUP_TIMERS.id}:run`,
    diff: ({ held }) => (held.length === 0 ? [] : [{ action: 'start', summary: `start ${held.join(', ')}` }]),
    apply: (_changes, { held }) =>
      joinScripts(
        held.map(
          (timer) => sh`${catchUp ? NOTHING : sh`mkdir -p ${STAMPS} && touch ${`${STAMPS}/stamp-${timer}`}`}
systemctl -q enable --now ${timer}
${endPutOff(timer)}`,
        ),
      ),
    digest: () => digestOf(BACKUP_TIMERS.id, 'run'),
  };
}
