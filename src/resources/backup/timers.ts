import { handle } from '../handle.js';
import { endPutOff, putOff } from '../put-off.js';
import { answerLines, digestOf, type Observation, type Resource } from '../resource.js';
import { joinScripts, NOTHING, sh } from '../../shell/quote.js';
import { command } from '../command.js';

/** The timers of scheduled backups on a host, by their units: `pgprov-backup@full.timer`. */
export interface BackupTimers {
  /** They run. */
  active: readonly string[];
  /** They were stopped, also for the next boot, until somebody starts them again. */
  held: readonly string[];
  /** The host takes backups, and its unit begins one when somebody starts it. */
  isOpen: boolean;
  /** Its unit begins none, whoever starts it: there is `BACKUPS_HELD_NOTE`. */
  isHeld: boolean;
}

/** The file that keeps the unit of backups from being started; the unit asserts that it is not there. */
export const BACKUPS_HELD_NOTE = '/var/lib/pgprov/backups-held';

/** The observation's id. */
export const BACKUP_TIMERS = handle<BackupTimers>('backup-timers');

/** Where systemd notes by the time of a file when a timer that catches up has begun something last. */
const STAMPS = '/var/lib/systemd/timers';

const PATTERN = 'pgprov-backup@*.timer';

const UNIT = 'pgprov-backup@.service';

/** Which backups are scheduled on the host, and which are held. */
export function backupTimers(): Observation<BackupTimers> {
  return {
    ...BACKUP_TIMERS,
    probe:
      () => sh`systemctl list-units --plain --no-legend --state=active ${PATTERN} 2>/dev/null | sed -n 's/^\([^ ]*\.timer\) .*/active=\1/p'
for note in /var/lib/pgprov/stopped/pgprov-backup@*.timer; do [ ! -e "$note" ] || echo "held=$(basename "$note")"; done
if [ -e ${BACKUPS_HELD_NOTE} ]; then echo is-held; elif systemctl -q cat ${UNIT} >/dev/null 2>&1; then echo is-open; fi`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
      return { active: all('active'), held: all('held'), isOpen: lines.includes('is-open'), isHeld: lines.includes('is-held') };
    },
  };
}

/** No backup begins on this host, by its schedule or by hand, also after a boot. */
export function timersHeld(): Resource<BackupTimers> {
  return {
    ...backupTimers(),
    id: `${BACKUP_TIMERS.id}:held`,
    diff: ({ active, isOpen }) =>
      active.length === 0 && !isOpen
        ? []
        : [{ action: 'run', summary: active.length === 0 ? 'have no backup begin' : `hold ${active.join(', ')}` }],
    apply: (_changes, { active }) =>
      joinScripts([
        sh`mkdir -p /var/lib/pgprov
date -u +%Y-%m-%dT%H:%M:%SZ >${BACKUPS_HELD_NOTE}
sync ${BACKUPS_HELD_NOTE} /var/lib/pgprov`,
        ...active.map(
          (timer) => sh`${putOff(timer)}
systemctl stop ${timer}`,
        ),
      ]),
    digest: () => digestOf(BACKUP_TIMERS.id, 'held'),
  };
}

/** Backups may begin on this host: nothing that held them, and was not ended, does so any more. */
export function holdEnded(): Resource<{ done: boolean }> {
  return command({
    name: 'backups-may-begin',
    summary: `remove ${BACKUPS_HELD_NOTE}`,
    unless: sh`[ ! -e ${BACKUPS_HELD_NOTE} ]`,
    run: sh`rm -f ${BACKUPS_HELD_NOTE}`,
  });
}

/**
 * Timers that were held run again.
 * @param catchUp whether a backup begins at once that would have begun meanwhile
 */
export function timersRun(catchUp = true): Resource<BackupTimers> {
  return {
    ...backupTimers(),
    id: `${BACKUP_TIMERS.id}:run`,
    diff: ({ held, isHeld }) =>
      held.length === 0 && !isHeld
        ? []
        : [{ action: 'start', summary: held.length === 0 ? 'let backups begin' : `start ${held.join(', ')}` }],
    apply: (_changes, { held }) =>
      joinScripts([
        sh`rm -f ${BACKUPS_HELD_NOTE}`,
        ...held.map(
          (timer) => sh`${catchUp ? NOTHING : sh`mkdir -p ${STAMPS} && touch ${`${STAMPS}/stamp-${timer}`}`}
systemctl -q enable --now ${timer}
${endPutOff(timer)}`,
        ),
      ]),
    digest: () => digestOf(BACKUP_TIMERS.id, 'run'),
  };
}
