import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, type Observation } from './resource.js';

/** Whether a watchdog device is there, and whether Patroni's user may write to it. */
export type WatchdogState = 'absent' | 'closed' | 'usable';

/** The observation's id. */
export const WATCHDOG = handle<WatchdogState>('watchdog');

/** Looks at a watchdog device without opening it, because closing it again might reset the host. */
export function watchdogDevice(device: string, user: string): Observation<WatchdogState> {
  return {
    ...WATCHDOG,
    when: 'start',
    probe: () => sh`if [ ! -e ${device} ]; then echo absent
elif runuser -u ${user} -- test -w ${device} 2>/dev/null; then echo usable
else echo closed
fi`,
    parse: (answer) => (answerLines(answer)[0] ?? 'absent') as WatchdogState,
  };
}
