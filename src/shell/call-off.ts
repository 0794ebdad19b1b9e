import { WORK_DIRECTORY } from './lock.js';
import { sh, type Script } from './quote.js';

/** Where a step that waits for another host finds why that will not come; it is gone when the next step begins. */
export const CALLED_OFF = `${WORK_DIRECTORY}/called-off`;

/** Has the step that is under way on the host wait no longer. `why` is one line that names the host it waited for: `pg1 failed`. */
export function callOff(why: string): Script {
  return sh`[ -d ${WORK_DIRECTORY} ] || exit 0
printf '%s\n' ${why} >${`${CALLED_OFF}.new`}
mv -f ${`${CALLED_OFF}.new`} ${CALLED_OFF}`;
}

/** Sets `$off` to why the step need not wait any longer, '' while it may. */
export const SEE_CALLED_OFF: Script = sh`off=
[ ! -s ${CALLED_OFF} ] || read -r off <${CALLED_OFF}`;
