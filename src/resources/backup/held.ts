import { command } from '../command.js';
import { handle } from '../handle.js';
import { answerText, type Observation, type Resource } from '../resource.js';
import { sh } from '../../shell/quote.js';

/** The transient unit that has backups of a host wait. */
const HOLD_UNIT = 'pgprov-drill-hold';

/** How backups are held. */
export interface BackupsHeldOptions {
  /** Whom they are held for, one word. */
  id: string;
  /** The file that a backup locks while it is made. */
  lock: string;
  /** Whom pgBackRest runs as. */
  user: string;
  /** After so many seconds they are not held any more, whatever has become of pgprov. */
  limit: number;
}

/** Whether backups of a host are held. */
export const BACKUPS_HELD = handle<boolean>('backups-held');

/** The observation of it. */
export function asksBackupsHeld(): Observation<boolean> {
  return {
    ...BACKUPS_HELD,
    probe: () => sh`systemctl is-active ${HOLD_UNIT} 2>/dev/null || :`,
    parse: (answer) => answerText(answer).trim() === 'active',
  };
}

/** A backup that begins waits, and so nothing expires: a unit of its own has the lock that backups take. */
export function backupsHeld({ id, lock, user, limit }: BackupsHeldOptions): Resource<{ done: boolean }> {
  const words = `backups wait for the drill ${id} of pgprov`;
  return command({
    name: 'backups-held',
    summary: `have backups that begin wait, for ${Math.ceil(limit / 3600)} h at most`,
    unless: sh`[ "$(systemctl show -p Description --value ${HOLD_UNIT})" = ${words} ] && systemctl -q is-active ${HOLD_UNIT}`,
    run: sh`systemctl stop ${HOLD_UNIT} 2>/dev/null || :
systemctl reset-failed ${HOLD_UNIT} 2>/dev/null || :
systemd-run -q --collect --unit=${HOLD_UNIT} --description=${words} ${[`User=${user}`, `RuntimeMaxSec=${limit}`].map(
      (property) => `--property=${property}`,
    )} flock -n ${lock} sleep infinity
sleep 1
if ! systemctl -q is-active ${HOLD_UNIT}; then
echo 'a backup is being made here, and what expires at its end may be what the drill reads'
exit 1
fi`,
  });
}

/** Backups that begin are not held any more; those that wait begin. */
export function backupsReleased(): Resource<{ done: boolean }> {
  return command({
    name: 'backups-released',
    summary: 'let backups begin again',
    unless: sh`! systemctl -q is-active ${HOLD_UNIT}`,
    run: sh`systemctl stop ${HOLD_UNIT}`,
  });
}
