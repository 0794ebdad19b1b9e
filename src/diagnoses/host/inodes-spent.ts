import { defineDiagnosis, FILE_SYSTEMS } from '../../index.js';
import { withoutRoom, withoutWriting, writtenFileSystems } from '../shared/file-systems.js';

/** Less than this part of a file system's inodes is a danger. */
const SCARCE = 0.02;

/** A file system takes no more files, however much room it has. */
export default defineDiagnosis({
  name: 'inodes-spent',
  looksAt: 'free inodes of the file systems',
  asks: (context) => [writtenFileSystems(context)],
  find: ({ view }) =>
    view.inventory.hosts.flatMap((host) =>
      (view.read(host.name, FILE_SYSTEMS) ?? [])
        .filter(({ inodes, freeInodes, readOnly }) => !readOnly && inodes > 0 && freeInodes < SCARCE * inodes)
        .map((fileSystem) => {
          const { mounted, inodes, freeInodes } = fileSystem;
          const spent = freeInodes === 0;
          const { isData, follows } = withoutWriting(view, host, fileSystem);
          return {
            level: spent && isData ? ('broken' as const) : ('danger' as const),
            host: host.name,
            what: `the file system ${mounted} has ${spent ? 'no' : 'almost no'} inodes left`,
            evidence: [{ host: host.name, source: 'df -i', line: `${mounted}: ${freeInodes} of ${inodes} inodes are free` }],
            follows: `no file can be made there, though there is room: ${follows}`,
            mend: `remove the many small files: \`du -x --inodes ${mounted} | sort -n | tail\`, as root on ${host.name}, shows where they are; never delete anything in the data directory`,
            ...(spent ? { explains: withoutRoom({ isData }) } : {}),
          };
        }),
    ),
});
