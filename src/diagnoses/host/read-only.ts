import { defineDiagnosis, FILE_SYSTEMS } from '../../index.js';
import { writtenFileSystems } from '../shared/file-systems.js';

/** A file system that services write to takes no writes: the kernel does that to one with errors. */
export default defineDiagnosis({
  name: 'read-only',
  looksAt: 'whether the file systems can be written to',
  asks: (context) => [writtenFileSystems(context)],
  find: ({ view }) =>
    view.inventory.hosts.flatMap(({ name: host }) =>
      (view.read(host, FILE_SYSTEMS) ?? [])
        .filter(({ readOnly }) => readOnly)
        .map(({ mounted, holds }) => ({
          level: 'broken' as const,
          host,
          what: `the file system ${mounted} is mounted read-only`,
          evidence: [{ host, source: '/proc/mounts', line: `${mounted} has the option ro; it holds ${holds.join(', ')}` }],
          follows: 'what runs there can write nothing: PostgreSQL stops, a member of the store leaves the quorum, logs end',
          mend: `find out why before it is written to again: \`dmesg | grep -iE 'error|remount' | tail\`, as root on ${host}; with a sound disk \`mount -o remount,rw ${mounted}\` ends it`,
          explains: ['member-down', 'unit-failed', 'unit-restarts'],
        })),
    ),
});
