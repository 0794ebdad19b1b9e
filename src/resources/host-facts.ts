import { handle } from './handle.js';
import { sh } from '../shell/quote.js';
import { answerLines, UnknownAnswer, type Observation } from './resource.js';

/** What pgprov must know of a machine before it can plan. */
export interface HostFacts {
  /** `ID` of os-release: debian, rocky, … */
  os: string;
  /** `VERSION_ID` of os-release: `13`, `9.4`. */
  version: string;
  /** `uname -m` */
  architecture: string;
  /** The host's clock when it answered, milliseconds since 1970; whole seconds where date knows no fractions. */
  clock: number;
  systemd: boolean;
  /** Bytes of RAM. */
  memory: number;
}

/** The observation's id. */
export const HOST_FACTS = handle<HostFacts>('host-facts');

/** How far a host's clock is ahead of ours, in milliseconds, as far as one answer can tell: between these two. */
export interface ClockOffset {
  least: number;
  most: number;
}

/** The offset as the survey works it out from the facts: the host read its clock after it was asked and before its answer came. */
export const CLOCK_OFFSET = handle<ClockOffset>('clock-offset');

/** Reads the machine's facts with nothing but a POSIX shell. */
export function hostFacts(): Observation<HostFacts> {
  return {
    ...HOST_FACTS,
    probe: () => sh`(
if [ -r /etc/os-release ]; then . /etc/os-release; elif [ -r /usr/lib/os-release ]; then . /usr/lib/os-release; fi
echo "os=$ID"
echo "version=$VERSION_ID"
)
if [ -r /proc/sys/kernel/arch ]; then read -r architecture </proc/sys/kernel/arch; else architecture=$(uname -m); fi
echo "architecture=$architecture"
echo "clock=$(date +%s.%N)"
if [ -d /run/systemd/system ]; then echo systemd=yes; else echo systemd=no; fi
while read -r name kilobytes unit; do
if [ "$name" = MemTotal: ]; then echo "memory=$kilobytes"; break; fi
done </proc/meminfo`,
    parse: (answer) => {
      const values = new Map(answerLines(answer).map((line) => line.split('=', 2) as [string, string]));
      const get = (key: string): string => values.get(key) ?? '';
      const clock = Number.parseFloat(get('clock'));
      if (Number.isNaN(clock)) throw new UnknownAnswer(HOST_FACTS.id, answer);
      return {
        os: get('os'),
        version: get('version'),
        architecture: get('architecture'),
        clock: Math.round(clock * 1000),
        systemd: get('systemd') === 'yes',
        memory: Number(get('memory') || 0) * 1024,
      };
    },
  };
}
