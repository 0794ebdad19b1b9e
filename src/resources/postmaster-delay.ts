import { Script, sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerText, type Observation } from './resource.js';

/**
 * Seconds that the start time in postmaster.pid is away from that of the server's process: it took that long to begin, or the clock was set
 * since. Undefined where no server runs.
 */
export const POSTMASTER_DELAY = handle<number | undefined>('postmaster-delay');

/** With a larger difference Patroni takes the process for another one's, and the server for stopped. Source: its postgresql/postmaster.py. */
const PATRONI_ACCEPTS = 3;

/** Whether a Patroni that is started would know the server that runs already. */
export function isRecognized(delay: number | undefined): boolean {
  return delay === undefined || Math.abs(delay) <= PATRONI_ACCEPTS;
}

const AFTER_NAME = Script.build('${line##*) }');

/** Asks for the server whose data is in this directory. */
export function postmasterDelay(data: string): Observation<number | undefined> {
  return {
    ...POSTMASTER_DELAY,
    // The 22nd field of stat, in hundredths of a second since the boot; the name before the third may have blanks.
    probe: () => sh`{ read -r pid; read -r named; read -r since; } 2>/dev/null <${`${data}/postmaster.pid`} || exit 0
[ -n "$since" ] || exit 0
read -r line 2>/dev/null <"/proc/$pid/stat" || exit 0
while read -r name boot; do [ "$name" != btime ] || break; done </proc/stat
set -- ${AFTER_NAME}
shift 19
echo $((since * 100 - boot * 100 - $1))`,
    parse: (answer) => {
      const hundredths = Number.parseInt(answerText(answer), 10);
      return Number.isNaN(hundredths) ? undefined : hundredths / 100;
    },
  };
}
