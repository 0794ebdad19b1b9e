import { sh, type Script } from '../shell/quote.js';

/** The line that says that a data directory is a standby's, which of a server that is down nothing else tells. */
export const STANDBY_LINE = '@standby';

/** Prints the line where the directory has a standby.signal. */
export function tellStandby(data: string): Script {
  return sh`[ ! -e ${`${data}/standby.signal`} ] || echo ${STANDBY_LINE}`;
}
