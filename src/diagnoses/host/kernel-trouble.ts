import { defineDiagnosis, KERNEL_LOG, kernelLog, type FindingLevel } from '../../index.js';
import { asEvidence } from '../shared/lines.js';

/** What the kernel's words mean; the first that matches counts. */
const TROUBLES: readonly { pattern: RegExp; level: FindingLevel; what: string; follows: string; mend: (host: string) => string }[] = [
  {
    pattern:
      /EXT4-fs error|XFS \(.*(?:corruption|metadata I\/O error|shut ?down)|BTRFS (?:error|critical)|Remounting filesystem read-only/iu,
    level: 'danger',
    what: 'the kernel found errors in a file system',
    follows: 'data on it may be damaged, and the kernel may take the file system away from who writes to it',
    mend: (host) =>
      `move the lead elsewhere, and check the file system while nobody uses it; \`dmesg -T | grep -iE 'ext4|xfs|btrfs'\`, as root on ${host}, shows which`,
  },
  {
    pattern: /I\/O error|critical (?:medium|target) error/iu,
    level: 'danger',
    what: 'a disk has I/O errors',
    follows:
      'what lies on it may be lost: PostgreSQL stops when it cannot write, and cannot tell what it reads wrongly without data checksums',
    mend: (host) => `move the lead elsewhere and replace the disk; \`dmesg -T | grep -i 'error, dev'\`, as root on ${host}, shows which`,
  },
  {
    pattern: /Hardware Error/u,
    level: 'danger',
    what: 'the hardware reports errors',
    follows: 'memory or a processor may give wrong results',
    mend: (host) => `have the machine looked at; \`dmesg -T | grep 'Hardware Error'\`, as root on ${host}, shows what it reports`,
  },
  {
    pattern: /blocked for more than \d+ seconds|soft lockup/u,
    level: 'danger',
    what: 'programs hung in the kernel for minutes',
    follows: 'whoever waits for them hangs as well: a leader loses its lease, a member of the store its votes',
    mend: (host) =>
      `look at what the disk, or the machine below, did at that time; \`dmesg -T | grep -A 20 'blocked for more than'\`, as root on ${host}, shows where they hung`,
  },
];

/** The kernel tells of trouble with disks, file systems or hardware. */
export default defineDiagnosis({
  name: 'kernel-trouble',
  looksAt: 'the kernel’s log',
  asks: () => [kernelLog()],
  find: ({ view }) =>
    view.inventory.hosts.flatMap(({ name: host }) => {
      const lines = (view.read(host, KERNEL_LOG) ?? []).map((line) => ({ ...line, host }));
      return TROUBLES.flatMap(({ pattern, level, what, follows, mend }, index) => {
        const matching = lines.filter(
          ({ text }) => TROUBLES.findIndex((trouble) => trouble.pattern.test(text)) === index && pattern.test(text),
        );
        const [first] = matching;
        // Of media that comes and goes nobody has data.
        const serious = matching.filter(({ text }) => !/dev (?:sr|fd|loop)\d/u.test(text));
        if (first === undefined || serious.length === 0) return [];
        return [
          { level, host, what, since: (serious[0] ?? first).at, evidence: serious.slice(-5).map(asEvidence), follows, mend: mend(host) },
        ];
      });
    }),
});
