import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LabHost } from '../../lab/index.js';
import { must } from './outside.js';

const run = promisify(execFile);

const LIBRARY = '/usr/local/lib/libfaketime.so.1';

/**
 * Gives a host a clock of its own, which no container has: Debian's libfaketime, of the release of this machine, in /etc/ld.so.preload. Each
 * program that starts from then on has the shifted time: shells, `date`, and what is restarted of Patroni, PostgreSQL and journald. What is
 * linked statically, as etcd is, has the machine's time, and so has what runs already, and the kernel with the times of files.
 */
export async function giveClock(host: LabHost, offset: string): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'pgprov-clock-'));
  try {
    await run('apt-get', ['download', '-qq', 'libfaketime'], { cwd: work });
    const [archive = ''] = await readdir(work);
    await run('dpkg-deb', ['-x', archive, 'files'], { cwd: work });
    const folders = await readdir(join(work, 'files', 'usr', 'lib'));
    await run('docker', [
      'cp',
      join(work, 'files', 'usr', 'lib', folders[0] ?? '', 'faketime', 'libfaketime.so.1'),
      `${host.container}:${LIBRARY}`,
    ]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  await must(host, `chmod 755 ${LIBRARY}; echo '${offset}' >/etc/faketimerc; echo ${LIBRARY} >/etc/ld.so.preload`);
}

/** Sets that clock: programs look at it every ten seconds. */
export async function setClock(host: LabHost, offset: string): Promise<void> {
  await must(host, `echo '${offset}' >/etc/faketimerc; sleep 11`);
}

/** Has what starts from now on go by the machine's clock again. */
export async function removeClock(host: LabHost): Promise<void> {
  await must(host, 'rm -f /etc/ld.so.preload');
}
