import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

import type { SshEndpoint, Target } from '../../src/transport/transport.js';

const run = promisify(execFile);
/** Small, for tests make them often; of the other types there is only one size. */
const RSA_BITS = '2048';
const PLACES = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** A port of the loopback nobody listens on right now. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** A temporary folder with client keys, for one test file. */
export async function makeKeys(): Promise<{
  dir: string;
  key: string;
  wrongKey: string;
  lockedKey: string;
  clean(): Promise<void>;
}> {
  const dir = await mkdtemp(join(tmpdir(), 'pgprov-ssh-'));
  for (const [name, phrase] of [
    ['good', ''],
    ['wrong', ''],
    ['locked', 'open sesame'],
  ] as const) {
    await run('ssh-keygen', ['-q', '-t', 'ed25519', '-a', '1', '-N', phrase, '-f', join(dir, name)]);
  }
  const clean = (): Promise<void> => rm(dir, { recursive: true, force: true });
  return { dir, key: join(dir, 'good'), wrongKey: join(dir, 'wrong'), lockedKey: join(dir, 'locked'), clean };
}

/** A real sshd on the loopback, run by the current user. */
export class Sshd {
  readonly port: number;
  readonly #child: ChildProcess;
  readonly #dir: string;
  #log = '';

  private constructor(child: ChildProcess, dir: string, port: number) {
    this.#child = child;
    this.#dir = dir;
    this.port = port;
    child.stderr?.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
  }

  /** What it has logged since it started. */
  get log(): string {
    return this.#log;
  }

  /**
   * @param config further lines of sshd_config
   * @param before a command that ends by executing its arguments, which are sshd and its own
   */
  static async start(
    publicKey: string,
    config: readonly string[] = [],
    types: readonly string[] = ['ed25519'],
    before: readonly string[] = [],
  ): Promise<Sshd> {
    const dir = await mkdtemp(join(tmpdir(), 'pgprov-sshd-'));
    const port = await freePort();
    for (const type of types)
      await run('ssh-keygen', ['-q', '-t', type, ...(type === 'rsa' ? ['-b', RSA_BITS] : []), '-N', '', '-f', join(dir, `host_${type}`)]);
    // Of several lines for one keyword sshd takes the first.
    const lines = [
      ...config,
      `ListenAddress 127.0.0.1:${port}`,
      ...types.map((type) => `HostKey ${join(dir, `host_${type}`)}`),
      `AuthorizedKeysFile ${publicKey}`,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      // Tests that run side by side open more handshakes at once than an sshd takes.
      'MaxStartups 100',
    ];
    await writeFile(join(dir, 'config'), `${lines.join('\n')}\n`);
    // Debian makes this folder when the service starts, which it has not on a machine without systemd.
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
    const [program = '', ...args] = [...before, sshdPath() ?? 'sshd', '-D', '-e', '-f', join(dir, 'config')];
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    await new Promise<void>((resolve, reject) => {
      let log = '';
      child.stderr.on('data', (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes('Server listening')) resolve();
      });
      child.once('error', reject);
      child.once('exit', () => reject(new Error(`sshd does not start: ${log.trim()}`)));
    });
    return new Sshd(child, dir, port);
  }

  /** The host key of a type as `type base64`. */
  async hostKey(type = 'ed25519'): Promise<string> {
    return (await readFile(join(this.#dir, `host_${type}.pub`), 'utf8')).split(' ').slice(0, 2).join(' ');
  }

  /** A known_hosts line for this server. */
  async knownLine(type = 'ed25519'): Promise<string> {
    return `[127.0.0.1]:${this.port} ${await this.hostKey(type)}\n`;
  }

  /** Ids of the processes that serve a connection each. */
  async sessions(): Promise<number[]> {
    return childrenOf(this.#child.pid);
  }

  /** Cuts every connection, as a power failure would from our point of view. */
  async cut(): Promise<void> {
    for (const session of await this.sessions()) {
      // Where root serves another user, the socket is in the hands of a child that runs as that user.
      for (const pid of [session, ...(await sshdsBelow(session))]) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended by itself in between.
        }
      }
    }
  }

  async stop(): Promise<void> {
    await this.cut();
    const exited = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.kill('SIGKILL');
    await exited;
    await rm(this.#dir, { recursive: true, force: true });
  }
}

async function childrenOf(pid: number | undefined): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return children.trim().split(' ').filter(Boolean).map(Number);
}

async function sshdsBelow(pid: number): Promise<number[]> {
  const children = await childrenOf(pid);
  const names = await Promise.all(children.map((child) => readFile(`/proc/${child}/comm`, 'utf8').catch(() => '')));
  return children.filter((_, index) => names[index]?.startsWith('sshd'));
}

function sshdPath(): string | undefined {
  return PLACES.map((dir) => join(dir, 'sshd')).find((path) => existsSync(path));
}

/** Why there can be no sshd here; undefined when there can. */
export async function whyNoSshd(): Promise<string | undefined> {
  if (sshdPath() === undefined) return 'no sshd on this machine (apt-get install openssh-server)';
  try {
    const server = await Sshd.start('none');
    await server.stop();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** A target on the loopback for the current user. */
export function targetAt(port: number, more: Partial<Target> = {}): Target {
  return {
    name: 'db1',
    address: '127.0.0.1',
    port,
    user: userInfo().username,
    jump: [],
    become: { method: 'none' },
    hostKeys: { policy: 'strict', files: [] },
    connectTimeout: 10,
    ...more,
  };
}

/** A jump host on the loopback for the current user. */
export function hopAt(port: number, identityFile: string): SshEndpoint {
  return { address: '127.0.0.1', port, user: userInfo().username, identityFile };
}
