import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** What keeps a host's clock. */
export interface ClockService {
  /** By the kernel; undefined: nobody tells. */
  synchronised?: boolean;
  /** Programs that run and could keep it. */
  programs: readonly string[];
  /** Its clock is that of the machine that it runs on. */
  container: boolean;
}

/** The observation's id. */
export const CLOCK_SERVICE = handle<ClockService>('clock-service');

const PROGRAMS = 'chronyd|ntpd|ntpsec|openntpd|systemd-timesyn|ptp4l|phc2sys|vmtoolsd|VBoxService';

/** Whether the clock is kept right, and by which program. */
export function clockService(): Observation<ClockService> {
  return {
    ...CLOCK_SERVICE,
    when: 'start',
    probe: () => sh`! systemd-detect-virt -c -q 2>/dev/null || echo container
for at in /proc/[0-9]*/comm; do
read -r comm 2>/dev/null <"$at" || continue
case "|"${PROGRAMS}"|" in *"|$comm|"*) printf 'program=%s\n' "$comm" ;; esac
done
timeout 5 timedatectl show -p NTPSynchronized 2>/dev/null || :`,
    parse: (answer) => {
      const lines = answerLines(answer);
      const told = lines.find((line) => line.startsWith('NTPSynchronized='));
      return {
        ...(told === undefined ? {} : { synchronised: told.endsWith('=yes') }),
        programs: lines.flatMap((line) => (line.startsWith('program=') ? [line.slice('program='.length)] : [])),
        container: lines.includes('container'),
      };
    },
  };
}
