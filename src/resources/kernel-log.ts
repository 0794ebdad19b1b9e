import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { readJournalEntry } from './host-logs.js';
import type { HostLine } from './recent-log.js';
import { answerLines, type Observation } from './resource.js';

/** The observation's id. */
export const KERNEL_LOG = handle<readonly HostLine[]>('kernel-log');

/** What the kernel writes when memory, a disk, a file system or a program fails; all in lower case or as here since 3.x. */
const TROUBLE =
  'Out of memory|oom-kill|Killed process|I/O error|blocked for more than|soft lockup|hung_task|EXT4-fs (error|warning)|XFS \\(|BTRFS (error|critical)|Remounting filesystem read-only|critical (medium|target) error|Hardware Error';

/** Of these the newest. */
const LINES = 200;

/** The kernel's lines of the last day that tell of trouble, also those from before the last boot where the journal is kept; oldest first. */
export function kernelLog(): Observation<readonly HostLine[]> {
  return {
    ...KERNEL_LOG,
    when: 'start',
    probe: () => sh`journalctl --quiet --no-pager --all --output=json --output-fields=MESSAGE --since=-24h _TRANSPORT=kernel 2>/dev/null |
grep -E ${TROUBLE} | tail -n ${LINES} || :`,
    parse: (answer) =>
      answerLines(answer).flatMap((line): HostLine[] => {
        const entry = readJournalEntry(line);
        return entry === undefined ? [] : [{ at: entry.at / 1000, unit: 'kernel', text: entry.text }];
      }),
  };
}
