import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Where an engine without systemd keeps the control group of all its containers, and the share of the processors that is written there: as much as
 * eight processes beside it have. By default it is as much as one has, however many containers there are.
 */
const SHARES = [
  ['/sys/fs/cgroup/cpu/docker/cpu.shares', 8192],
  ['/sys/fs/cgroup/docker/cpu.weight', 800],
] as const;

/**
 * Gives the hosts their share of a busy machine, once the engine has a container. Without it etcd's members miss heartbeats and leaders their
 * leases while compilers and unit tests run, and tests see failovers that nobody made.
 */
export function raiseCpuShare(shares: readonly (readonly [file: string, share: number])[] = SHARES): void {
  for (const [file, share] of shares) {
    try {
      if (Number(readFileSync(file, 'utf8')) < share) writeFileSync(file, String(share));
    } catch {
      // Another version of control groups, an engine on another machine, or a user that may not.
    }
  }
}
