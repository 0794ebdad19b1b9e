import { defineIdentity } from '../data-copy.js';
import { handle } from '../handle.js';
import { isHeld } from '../held-unit.js';
import { answerText, type Observation } from '../resource.js';
import { expand } from '../server-process.js';
import { NOTHING, sh } from '../../shell/quote.js';
import { RESTORE_NOTES, RESTORING_UNIT } from './place.js';

/** Data that nobody may be let in to yet. */
export interface UnapprovedData {
  /** The restore that put it there, by its id; '' while pgBackRest is still at it. */
  restore: string;
  /** There is no such data yet, or not any more, and the server is held until a restore has come to an end. */
  held?: true;
}

/** The observation's id; undefined: there is no such data. */
export const UNAPPROVED_DATA = handle<UnapprovedData | undefined>('unapproved-data');

/** What a host is told by that clients were let in to what a restore has put there. */
export function letInNoteOf(restore: string): string {
  return `${RESTORE_NOTES}/${restore}.let-in`;
}

/**
 * Whether what is in a data directory was put there by a restore, or a clone, that is not finished: the host itself knows, also where the machine that
 * began it is another one. What a rebuild has restored follows its leader, and needs nobody's approval.
 * @param unit the unit that a restore holds meanwhile; undefined: Patroni's, which is only kept from starting at boot
 */
export function unapprovedData(path: string, unit?: string): Observation<UnapprovedData | undefined> {
  return {
    ...UNAPPROVED_DATA,
    probe: () => sh`if systemctl -q is-active ${RESTORING_UNIT}; then
echo restoring
elif [ -d ${RESTORE_NOTES} ]; then
${defineIdentity}
own=$(identity ${path})
for note in ${RESTORE_NOTES}/*."$own"; do
[ -n "$own" ] && [ -e "$note" ] || continue
restore=${expand('note##*/')}
restore=${expand('restore%%.*')}
case "$restore" in rebuild-*) ;; *) [ -e ${RESTORE_NOTES}/"$restore".let-in ] || echo "restore=$restore" ;; esac
done
fi
${unit === undefined ? NOTHING : sh`! ${isHeld(unit)} || echo held`}`,
    parse: (answer) => {
      const text = answerText(answer);
      if (/^restoring$/mu.test(text)) return { restore: '' };
      const restore = /^restore=(.+)$/mu.exec(text)?.[1];
      if (restore !== undefined) return { restore };
      return /^held$/mu.test(text) ? { restore: '', held: true } : undefined;
    },
  };
}
