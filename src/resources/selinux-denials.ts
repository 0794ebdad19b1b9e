import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import type { HostLine } from './recent-log.js';
import { answerLines, type Observation } from './resource.js';

/** The observation's id. */
export const SELINUX_DENIALS = handle<readonly HostLine[]>('selinux-denials');

/** What SELinux forbade, and did not merely note, by the audit log, of the newest lines; oldest first. */
export function selinuxDenials(): Observation<readonly HostLine[]> {
  return {
    ...SELINUX_DENIALS,
    when: 'start',
    probe: () =>
      sh`tail -n 20000 /var/log/audit/audit.log 2>/dev/null | grep '^type=AVC .*avc: *denied ' | grep -v 'permissive=1' | tail -n 50 || :`,
    parse: (answer) =>
      answerLines(answer).flatMap((text): HostLine[] => {
        const seconds = /msg=audit\((\d+\.\d+):/u.exec(text)?.[1];
        return seconds === undefined ? [] : [{ at: Number(seconds) * 1000, unit: 'audit', text }];
      }),
  };
}
