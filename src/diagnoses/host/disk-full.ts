import { defineDiagnosis, FILE_SYSTEMS, formatBytes } from '../../index.js';
import { withoutRoom, withoutWriting, writtenFileSystems } from '../shared/file-systems.js';

/** Less than this of a file system is a danger; nothing to speak of is broken. */
const SCARCE = 0.05;
const SPENT = 1024 * 1024;

/** So much is never called little, however large the file system is. */
const PLENTY = 20 * 1024 ** 3;

/** A file system that services write to has no room. */
export default defineDiagnosis({
  name: 'disk-full',
  looksAt: 'free space of the file systems',
  asks: (context) => [writtenFileSystems(context)],
  find: ({ view }) =>
    view.inventory.hosts.flatMap((host) =>
      (view.read(host.name, FILE_SYSTEMS) ?? [])
        .filter(({ size, free, readOnly }) => !readOnly && size > 0 && free < Math.max(SPENT, Math.min(PLENTY, SCARCE * size)))
        .map((fileSystem) => {
          const { mounted, size, free } = fileSystem;
          const full = free < SPENT;
          const { isData, follows } = withoutWriting(view, host, fileSystem);
          return {
            level: full && isData ? ('broken' as const) : ('danger' as const),
            host: host.name,
            what: full ? `the file system ${mounted} is full` : `the file system ${mounted} is almost full`,
            evidence: [{ host: host.name, source: 'df', line: `${mounted}: ${formatBytes(free)} free of ${formatBytes(size)}` }],
            follows,
            mend: `make room there: \`du -xah ${mounted} | sort -h | tail\`, as root on ${host.name}, shows what takes it; never delete anything in pg_wal`,
            ...(full ? { explains: withoutRoom({ isData }) } : {}),
          };
        }),
    ),
});
