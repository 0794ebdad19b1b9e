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
import { writeWal } from '../integration/support/lost-slot.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

const at = doctorsCluster();

const { data: DATA, home: HOME } = placesOf('debian13');

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

it('finds that the leader’s file system takes no more files, and then has no room, and the cluster is whole once there is some', async () => {
  const { doctor } = at;
  const { leader } = await doctor.members();
  await mounted(leader, HOME, 'size=400m,nr_inodes=4k,mode=755');
  await doctor.isWell();
  await doctor.patronictl(leader, `switchover --force demo --candidate ${leader}`).catch(() => '');
  await expect.poll(async () => (await doctor.members()).leader, { timeout: patience(60_000) }).toBe(leader);
  await doctor.isWell();

  const [inodes] = await doctor.provoke({
    diagnosis: 'inodes-spent',
    level: 'broken',
    host: leader,
    line: new RegExp(`^${HOME}: 0 of 4096 inodes are free$`, 'u'),
    wrong: async () => {
      await asPostgres(leader, `mkdir ${HOME}/cache; cd ${HOME}/cache; n=0; while true >$n; do n=$((n + 1)); done 2>/dev/null; true`);
      expect(await doctor.at(leader, 'CREATE TABLE more (n int)').catch(String)).toContain('No space left on device');
    },
    advice: new RegExp(`^\\d{3,}\\t${HOME}/cache$`, 'mu'),
    undo: () => doctor.on(leader, `rm -r ${HOME}/cache`),
  });
  expect(inodes?.consequences.map(({ diagnosis }) => diagnosis)).toContain('no-space');

  const [found] = await doctor.provoke({
    diagnosis: 'disk-full',
    level: 'broken',
    host: leader,
    line: new RegExp(`^${HOME}: .* free of 400 MiB$`, 'u'),
    wrong: async () => {
      await doctor.at(leader, 'CREATE TABLE many (t text)');
      await asPostgres(leader, `cat /dev/zero >${HOME}/dump.sql 2>/dev/null; :`);
      const fill = (): Promise<string> =>
        doctor.at(leader, "INSERT INTO many SELECT repeat('x', 1000) FROM generate_series(1, 100000)").catch(String);
      await expect
        .poll(fill, { timeout: patience(60_000) })
        .toMatch(/No space left on device|PANIC|closed the connection|No such file|the database system/u);
    },
    advice: new RegExp(`\\t${HOME}/dump\\.sql$`, 'mu'),
    undo: () => doctor.on(leader, `rm ${HOME}/dump.sql`),
  });
  expect(found?.consequences.map(({ diagnosis }) => diagnosis)).toContain('no-space');
  await unmounted(leader, HOME);
  await doctor.isWell();
});

it('finds a standby whose disk for the WAL is full, and that it goes on once there is room', async () => {
  const { doctor } = at;
  const { leader, one } = await doctor.members();
  const wal = `${DATA}/pg_wal`;
  await mounted(one, wal, 'size=300m,uid=$(id -u postgres),gid=$(id -g postgres),mode=700');
  await doctor.isWell();
  const [found] = await doctor.provoke({
    diagnosis: 'disk-full',
    level: 'broken',
    host: one,
    line: new RegExp(`^${wal}: .* free of 300 MiB$`, 'u'),
    wrong: async () => {
      await asPostgres(one, `cat /dev/zero >${wal}/filler 2>/dev/null; :`);
      const said = "journalctl -u patroni --since -60s | grep -c 'No space left on device' || :";
      const write = async (): Promise<string> => {
        await writeWal(doctor, leader, 2);
        return doctor.on(one, said);
      };
      await expect.poll(write, { timeout: patience(60_000), interval: 2000 }).not.toBe('0');
    },
    advice: new RegExp(`\\t${wal}/filler$`, 'mu'),
    undo: () => doctor.on(one, `rm ${wal}/filler`),
  });
  expect(found?.consequences.map(({ diagnosis }) => diagnosis)).toContain('no-space');
  await unmounted(one, wal);
  await doctor.isWell();
});

it('finds that memory is short and the host swaps, and who has the memory', async () => {
  const { doctor } = at;
  const { other } = await doctor.members();
  // A container is told of the memory of its machine, unless a file lies over that, as lxcfs has it.
  const told = { MemAvailable: 200_000, SwapTotal: 2_000_000, SwapFree: 500_000 };
  const edits = Object.entries(told).map(([name, size]) => `-e 's/^${name}:.*/${name}: ${size} kB/'`);
  await doctor.provoke({
    diagnosis: 'memory-short',
    level: 'danger',
    host: other,
    line: /^195\.3 MiB available of .* GiB, 1\.4 GiB of 1\.9 GiB swap in use$/u,
    wrong: () => doctor.on(other, `sed ${edits.join(' ')} /proc/meminfo >/root/meminfo; mount --bind /root/meminfo /proc/meminfo`),
    advice: /RSS COMMAND\n(?:.*\n)*.* postgres$/mu,
    undo: () => doctor.on(other, 'umount /proc/meminfo; rm /root/meminfo'),
  });
});

it('finds that there is no room for logs', async () => {
  const { doctor } = at;
  const { one } = await doctor.members();
  await doctor.provoke({
    diagnosis: 'disk-full',
    level: 'danger',
    host: one,
    line: /^\/var\/log: 0 B free of 20 MiB$/u,
    what: /^the file system \/var\/log is full$/u,
    wrong: () => doctor.on(one, 'mount -t tmpfs -o size=20m,mode=755 tmpfs /var/log; cat /dev/zero >/var/log/app.log 2>/dev/null; :'),
    advice: /\t\/var\/log\/app\.log$/mu,
    undo: () => doctor.on(one, 'umount -l /var/log'),
  });
});

/** A command of the user who runs PostgreSQL. */
const asPostgres = (name: string, command: string): Promise<string> =>
  at.doctor.on(name, `cd /; runuser -u postgres -- sh -c '${command}'`);

/** Has a folder of a member lie on a small file system of its own. */
const mounted = (name: string, folder: string, options: string): Promise<string> =>
  at.doctor.on(
    name,
    `systemctl stop patroni; cp -a ${folder} /root/kept; mount -t tmpfs -o ${options} tmpfs ${folder}; cp -a /root/kept/. ${folder}; rm -r /root/kept; systemctl start patroni`,
  );

/** Undoes `mounted`, with what was written since. */
const unmounted = (name: string, folder: string): Promise<string> =>
  at.doctor.on(
    name,
    `systemctl stop patroni; cp -a ${folder} /root/kept; umount ${folder}; find ${folder} -mindepth 1 -delete; cp -a /root/kept/. ${folder}; rm -r /root/kept; systemctl start patroni`,
  );

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
