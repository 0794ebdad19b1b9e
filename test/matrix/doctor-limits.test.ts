import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { doctorsCluster } from '../integration/support/doctors-cluster.js';
import {
  giveLoopDevices,
  HAS_CONTROLLERS,
  leaveKernelLog,
  limitMemory,
  seeKernelLog,
  unlimitMemory,
} from '../integration/support/kernel.js';

const at = doctorsCluster();

it.skipIf(!HAS_CONTROLLERS)('finds that the kernel killed a server process for want of memory, and the query that had it', async () => {
  const { cluster, doctor } = at;
  const { one } = await doctor.members();
  const host = cluster.host(one);
  await seeKernelLog(host);
  const [found] = await doctor.provoke({
    diagnosis: 'out-of-memory',
    level: 'danger',
    host: one,
    line: /^Memory cgroup out of memory: Killed process \d+ \(postgres\)/u,
    what: /^memory ran out, and the kernel killed postgres$/u,
    wrong: async () => {
      await limitMemory(host, 300);
      const sort =
        "SET work_mem = '2GB'; SELECT count(*) FROM (SELECT repeat(md5(g::text), 20) FROM generate_series(1, 3000000) g ORDER BY 1) t";
      expect(await doctor.at(one, sort).catch(String)).toMatch(/server closed the connection unexpectedly|terminated by signal 9/u);
    },
    advice: /RSS COMMAND\n(?:.*\n)*.* postgres$/mu,
    undo: async () => {
      await unlimitMemory(host);
      await leaveKernelLog(host);
    },
  });
  expect(found?.evidence.map(({ line }) => line).join('\n')).toContain('Failed process was running: SET work_mem');
});

it.skipIf(!HAS_CONTROLLERS)('finds that the kernel met errors in a file system, and shows where', async () => {
  const { cluster, doctor } = at;
  const { other } = await doctor.members();
  const host = cluster.host(other);
  const work = await mkdtemp(join(tmpdir(), 'pgprov-image-'));
  try {
    await damagedImage(join(work, 'image'), join(work, 'file'));
    await promisify(execFile)('docker', ['cp', join(work, 'image'), `${host.container}:/root/image`]);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  await seeKernelLog(host);
  await giveLoopDevices(host);
  await doctor.provoke({
    diagnosis: 'kernel-trouble',
    level: 'danger',
    host: other,
    line: /^EXT4-fs error \(device loop\d\)/u,
    what: /^the kernel found errors in a file system$/u,
    wrong: () => doctor.on(other, 'mkdir -p /mnt/hurt; mount -o loop /root/image /mnt/hurt; ls -laR /mnt/hurt >/dev/null 2>&1; :'),
    advice: /EXT4-fs error \(device loop\d\)/u,
    undo: async () => {
      await doctor.on(other, 'umount -l /mnt/hurt; rm /root/image');
      await leaveKernelLog(host);
    },
  });
});

/** Makes the image of a file system whose folder points to a block that is none. */
async function damagedImage(image: string, file: string): Promise<void> {
  const run = promisify(execFile);
  const debugfs = (command: string): Promise<unknown> => run('debugfs', ['-w', '-R', command, image]);
  await run('truncate', ['-s', '8M', image]);
  await run('mkfs.ext4', ['-q', '-O', '^extent,^64bit', image]);
  await run('sh', ['-c', `echo x >${file}`]);
  await debugfs('mkdir folder');
  await debugfs(`write ${file} folder/file`);
  await debugfs('set_inode_field folder block[0] 99999999');
}
