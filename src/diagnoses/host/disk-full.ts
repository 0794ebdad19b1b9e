import { answerLines, dataDirectoryOf, defineDiagnosis, formatBytes, handle, sh, type Observation, type RoleContext } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';

/** A file system as df has it. */
interface FileSystem {
  mounted: string;
  size: number;
  free: number;
}

const FILE_SYSTEMS = handle<readonly FileSystem[]>('file-systems');

/** Less than this of a file system is a danger; nothing to speak of is broken. */
const SCARCE = 0.05;
const SPENT = 1024 * 1024;

/** The file systems of these directories, each once. */
function fileSystems(paths: readonly string[]): Observation<readonly FileSystem[]> {
  return {
    ...FILE_SYSTEMS,
    when: 'start',
    probe: () => sh`for path in ${paths}; do [ ! -d "$path" ] || df -P -k "$path" 2>/dev/null | tail -n 1; done`,
    parse: (answer) => {
      const found = answerLines(answer).flatMap((line) => {
        const [, size, , free, , ...mounted] = line.split(/\s+/u);
        return mounted.length === 0 ? [] : [{ mounted: mounted.join(' '), size: Number(size) * 1024, free: Number(free) * 1024 }];
      });
      return [...new Map(found.map((one) => [one.mounted, one])).values()];
    },
  };
}

function dataDirectories({ host, platform, inventory }: RoleContext): string[] {
  const store = dcsOf(inventory);
  return [
    ...(host.roles.includes('postgresql') ? [dataDirectoryOf(host, platform), `${dataDirectoryOf(host, platform)}/pg_wal/.`] : []),
    ...(host.roles.includes(store.role) ? [store.dataRoot(host, platform)] : []),
  ];
}

/** A file system that services write to has no room. */
export default defineDiagnosis({
  name: 'disk-full',
  looksAt: 'free space of the file systems',
  asks: (context) => [fileSystems(['/', '/var/log', '/tmp', ...dataDirectories(context)])],
  find: ({ view }) =>
    view.inventory.hosts.flatMap(({ name: host }) =>
      (view.read(host, FILE_SYSTEMS) ?? [])
        .filter(({ size, free }) => size > 0 && free < Math.max(SPENT, SCARCE * size))
        .map(({ mounted, size, free }) => {
          const full = free < SPENT;
          return {
            level: full ? ('broken' as const) : ('danger' as const),
            host,
            what: full ? `the file system ${mounted} is full` : `the file system ${mounted} is almost full`,
            evidence: [{ host, source: 'df', line: `${mounted}: ${formatBytes(free)} free of ${formatBytes(size)}` }],
            follows: 'a server that cannot write its WAL stops, and a member of the store that cannot write its log leaves the quorum',
            mend: `make room there: \`du -xh ${mounted} | sort -h | tail\`, as root on ${host}, shows what takes it; never delete anything in pg_wal`,
            ...(full ? { explains: ['member-down', 'no-leader'] } : {}),
          };
        }),
    ),
});
