import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { LabHost } from '../../lab/index.js';
import { must } from './outside.js';

const run = promisify(execFile);

const GROUPS = '/sys/fs/cgroup';

/** Whether this machine's kernel has files for what a container may use of devices, one for each controller (cgroup v1). */
export const HAS_CONTROLLERS = ['devices', 'blkio'].every((name) => existsSync(`${GROUPS}/${name}`));

/** The folder of a controller that is about a host. */
async function groupOf(host: LabHost, controller: 'devices' | 'blkio'): Promise<string> {
  const { stdout } = await run('docker', ['inspect', '--format', '{{.State.Pid}}', host.container]);
  const groups = await readFile(`/proc/${stdout.trim()}/cgroup`, 'utf8');
  const path = groups
    .split('\n')
    .find((line) => line.split(':')[1] === controller)
    ?.split(':')[2];
  if (path === undefined) throw new Error(`${host.name} is in no group of ${controller}`);
  return `${GROUPS}/${controller}${path}`;
}

async function allow(host: LabHost, device: string): Promise<void> {
  await writeFile(`${await groupOf(host, 'devices')}/devices.allow`, device);
}

/** Has the disk take one write a second of a program of a host; gives what ends that. */
export async function slowDisk(host: LabHost, program: string): Promise<() => Promise<void>> {
  const { stdout } = await run('docker', ['top', host.container, '-eo', 'pid,comm']);
  const pid = stdout
    .split('\n')
    .find((line) => line.trim().split(/\s+/u)[1] === program)
    ?.trim()
    .split(/\s+/u)[0];
  if (pid === undefined) throw new Error(`${host.name} has no ${program}`);
  const above = await groupOf(host, 'blkio');
  const own = `${above}/slow`;
  await mkdir(own, { recursive: true });
  const disks = (await run('lsblk', ['--nodeps', '--noheadings', '--output', 'MAJ:MIN'])).stdout.split('\n').map((word) => word.trim());
  for (const disk of disks.filter((word) => word !== '')) await writeFile(`${own}/blkio.throttle.write_iops_device`, `${disk} 1`);
  await writeFile(`${own}/cgroup.procs`, pid);
  return async () => {
    await writeFile(`${above}/cgroup.procs`, pid);
    await rmdir(own);
  };
}

/** Has a host's journald read the kernel's log as on a machine: it is the log of this machine, and tells of its other hosts as well. */
export async function seeKernelLog(host: LabHost): Promise<void> {
  await allow(host, 'c 1:11 rwm');
  await must(host, '[ -e /dev/kmsg ] || mknod -m 644 /dev/kmsg c 1 11; systemctl restart systemd-journald; journalctl -q --sync');
  await forgetJournal(host);
}

/** Undoes `seeKernelLog`: what the kernel does to another host is not this one's any more. */
export async function leaveKernelLog(host: LabHost): Promise<void> {
  await must(host, 'rm /dev/kmsg; systemctl restart systemd-journald');
  await forgetJournal(host);
}

/** Lets a host mount images of file systems. */
export async function giveLoopDevices(host: LabHost): Promise<void> {
  await allow(host, 'b 7:* rwm');
  await allow(host, 'c 10:237 rwm');
  await must(
    host,
    'for n in 0 1 2 3 4 5 6 7; do mknod /dev/loop$n b 7 $n; done 2>/dev/null; [ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237',
  );
}

/** Ends what the journal of a host says of the time until now. */
export async function forgetJournal(host: LabHost): Promise<void> {
  await must(host, 'sleep 1; journalctl -q --rotate; sleep 1; journalctl -q --vacuum-time=1s');
}

/** The kernel kills what makes a host's processes need more memory than that, as on a machine that has no more. */
export async function limitMemory(host: LabHost, megabytes: number): Promise<void> {
  await run('docker', ['update', '--memory', `${megabytes}m`, '--memory-swap', `${megabytes}m`, host.container]);
}

/** Undoes `limitMemory`. */
export async function unlimitMemory(host: LabHost): Promise<void> {
  await run('docker', ['update', '--memory', '0', '--memory-swap', '-1', host.container]);
}
