import { spending } from '../support/spent.js';
import { IDENTITY_FILE } from './keys.js';
import { knownHostsFile, writeKnownHosts } from './known-hosts.js';
import { networkId } from './network.js';
import { attempt, feed, type Result, run } from './process.js';
import type { System } from './systems.js';
import { patience } from '../support/patience.js';

/** Settings for a command in a host. */
export interface ExecOptions {
  /** Who runs it; root unless said otherwise. */
  user?: string;
  /** What it reads on standard input. */
  input?: string;
}

/** What identifies a test host. */
export interface HostFacts {
  /** Name of the host, also its host name. */
  name: string;
  os: System;
  /** Name of the network it is in. */
  network: string;
  /** Address on that network; it stays the same when the host is stopped and started. */
  address: string;
  /** The engine's name for its container. */
  container: string;
}

/** Waits until systemd is done and sshd listens, then shows the state and the host keys. */
const READY = `
until state=$(systemctl is-system-running --wait 2>/dev/null) || [ "$state" = degraded ]; do sleep 0.1; done
until [ -n "$(ss -Hltn 'sport = :22')" ]; do sleep 0.05; done
echo "$state"
cat /etc/ssh/ssh_host_*_key.pub`;

/** A test host: a container that behaves like a machine with systemd and sshd. */
export class LabHost implements HostFacts {
  readonly name: string;
  readonly os: System;
  readonly network: string;
  readonly address: string;
  readonly container: string;
  /** The login user that has sudo without a password. */
  readonly user = 'admin';
  /** Private key that every user of the host accepts. */
  readonly identityFile = IDENTITY_FILE;
  /** known_hosts file with the keys of this host and the others of its network. */
  readonly knownHostsFile: string;

  constructor(facts: HostFacts) {
    this.name = facts.name;
    this.os = facts.os;
    this.network = facts.network;
    this.address = facts.address;
    this.container = facts.container;
    this.knownHostsFile = knownHostsFile(facts.network);
  }

  /** Runs a shell command inside the host past SSH, as root unless told otherwise. */
  async exec(command: string, { user = 'root', input = '' }: ExecOptions = {}): Promise<Result> {
    return feed(input, ['docker', 'exec', '--interactive', '--user', user, this.container, 'sh', '-c', command]);
  }

  /** The arguments with which OpenSSH's client gets in, ready for `ssh`. */
  sshArguments(user: string = this.user): string[] {
    const options = [
      'BatchMode=yes',
      'StrictHostKeyChecking=yes',
      `UserKnownHostsFile=${this.knownHostsFile}`,
      'GlobalKnownHostsFile=none',
      'LogLevel=ERROR',
    ];
    return ['-F', 'none', '-i', this.identityFile, ...options.flatMap((option) => ['-o', option]), `${user}@${this.address}`];
  }

  /** Runs a command over SSH with OpenSSH's own client. */
  async ssh(command: string, { user = this.user, input = '' }: ExecOptions = {}): Promise<Result> {
    return feed(input, ['ssh', ...this.sshArguments(user), command]);
  }

  /** Waits until the host is up, records its host keys and returns systemd's verdict. */
  async ready(seconds = patience(90)): Promise<'running' | 'degraded'> {
    const done = await spending('waiting', () => attempt`timeout ${seconds} docker exec ${this.container} sh -c ${READY}`);
    if (done.exitCode !== 0) {
      const log = await attempt`docker logs --tail 20 ${this.container}`;
      throw new Error(`${this.name} was not up after ${seconds} s: ${done.stderr}${log.stdall}`);
    }
    const [state, ...keys] = done.stdout.trim().split('\n');
    await writeKnownHosts(
      this.network,
      this.address,
      keys.map((key) => key.split(' ').slice(0, 2).join(' ')),
    );
    return state === 'degraded' ? 'degraded' : 'running';
  }

  /** Shuts the host down in an orderly way. */
  async stop(): Promise<void> {
    await run`docker stop --time ${patience(30)} ${this.container}`;
  }

  /** Cuts the power. */
  async kill(): Promise<void> {
    await run`docker kill ${this.container}`;
  }

  /** Switches the host on again and waits until it is up. */
  async start(): Promise<void> {
    await run`docker start ${this.container}`;
    await this.ready();
  }

  /** Freezes every process of the host; connections stay open and nobody answers. */
  async pause(): Promise<void> {
    await run`docker pause ${this.container}`;
  }

  /** Undoes `pause`. */
  async unpause(): Promise<void> {
    await run`docker unpause ${this.container}`;
  }

  /** Pulls the network cable. */
  async disconnect(): Promise<void> {
    await run`docker network disconnect ${networkId(this.network)} ${this.container}`;
  }

  /** Plugs the network cable in again. */
  async connect(): Promise<void> {
    await run`docker network connect --ip ${this.address} ${networkId(this.network)} ${this.container}`;
  }

  /** Removes the host and all it holds. */
  async remove(): Promise<void> {
    await attempt`docker rm --force --volumes ${this.container}`;
  }
}

/** The `ssh` section of an inventory for hosts of one network. */
export function sshSection(host: LabHost): { user: string; identity_file: string; known_hosts: string } {
  return { user: host.user, identity_file: host.identityFile, known_hosts: host.knownHostsFile };
}
