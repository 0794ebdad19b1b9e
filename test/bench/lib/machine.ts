import { readFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { attempt } from '../../lab/process.js';

/** What a measure was taken on. */
export interface Machine {
  cores: number;
  cpu: string;
  /** GiB. */
  memory: number;
  kernel: string;
  os: string;
  node: string;
  docker: string;
  /** pgprov's commit, with `+` where the checkout differs from it. */
  commit: string;
}

/** Asks this machine what it is. */
export async function describeMachine(): Promise<Machine> {
  const [os, docker, commit, changes] = await Promise.all([
    readFile('/etc/os-release', 'utf8').catch(() => ''),
    attempt`docker version --format ${'{{.Server.Version}}'}`,
    attempt`git rev-parse --short=12 HEAD`,
    attempt`git status --porcelain -- bin src roles templates`,
  ]);
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memory: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    os: /^PRETTY_NAME="?([^"\n]*)/mu.exec(os)?.[1] ?? 'unknown',
    node: process.version,
    docker: docker.stdout.trim(),
    commit: commit.exitCode === 0 ? `${commit.stdout.trim()}${changes.stdout.trim() === '' ? '' : '+'}` : 'unknown',
  };
}
