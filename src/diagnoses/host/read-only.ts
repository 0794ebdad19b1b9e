import { defineDiagnosis, FILE_SYSTEMS } from '../../index.js';
import { withoutWriting, writtenFileSystems } from '../shared/file-systems.js';

/** A file system that services write to takes no writes: the kernel does that to one with errors. */
export default defineDiagnosis({
  name: 'read-only',
  looksAt: 'whether the file systems can be written to',
  asks: (context) => [writtenFileSystems(context)],
  find: ({ view }) =>
    view.inventory.hosts.flatMap((host) =>
      (view.read(host.name, FILE_SYSTEMS) ?? [])
        .filter(({ readOnly }) => readOnly)
        .map((fileSystem) => {
          const { mounted, holds } = fileSystem;
          const { isData, follows } = withoutWriting(view, host, fileSystem);
          return {
            level: isData ? ('broken' as const) : ('danger' as const),
            host: host.name,
            what: `the file system ${mounted} is mounted read-only`,
            evidence: [{ host: host.name, source: '/proc/mounts', line: `${mounted} has the option ro; it holds ${holds.join(', ')}` }],
            follows,
            mend: `find out why before it is written to again: \`dmesg | grep -iE 'error|remount' | tail\`; with a sound disk \`mount -o remount,rw ${mounted}\` ends it, both as root on ${host.name}`,
            explains: ['member-down', 'unit-failed', 'unit-restarts'],
          };
        }),
    ),
});
