import { $ } from 'zx';

import { StderrBuffer } from './stderr-buffer.js';
import type { Connection, Exec, ExecEnd, ExecRequest, Transport } from './transport.js';

/** The shells a script can be tried in. */
export type LocalShell = 'sh' | 'dash' | 'bash' | 'busybox sh';

function run(shell: LocalShell, request: ExecRequest): Exec {
  // `exec` makes the chosen shell the child itself, so that signals and the exit status are its own.
  const child = $({ shell: 'sh', prefix: 'exec ', postfix: '', nothrow: true, quiet: true })`${shell.split(' ')}`;
  const stderr = new StderrBuffer();
  // A shell that ends before it has read everything is not an error of ours; its exit code tells.
  child.stdin.on('error', () => {});
  child.stdout.on('data', request.onStdout);
  child.stderr.on('data', (chunk: Buffer) => stderr.add(chunk));
  child.stdin.write(request.script);
  if (request.holdInput !== true) child.stdin.end();
  let killed = false;
  // zx kills the children first, and a shell may still exit with a code of its own before its turn comes.
  const end = async (): Promise<ExecEnd> => {
    const { exitCode } = await child;
    return { code: killed ? null : exitCode, stderr: stderr.text() };
  };
  return {
    ended: end(),
    closeInput: () => void child.stdin.end(),
    kill: () => {
      killed = true;
      // As with a connection that is cut, whatever still reads finds the end.
      child.stdin.destroy();
      child.kill('SIGKILL').catch(() => {});
    },
  };
}

class LocalConnection implements Connection {
  readonly #shell: LocalShell;
  readonly #running = new Set<Exec>();

  constructor(shell: LocalShell) {
    this.#shell = shell;
  }

  exec(request: ExecRequest): Promise<Exec> {
    const exec = run(this.#shell, request);
    this.#running.add(exec);
    void exec.ended.then(() => this.#running.delete(exec));
    return Promise.resolve(exec);
  }

  /** A local shell cannot lose its connection. */
  onLost(): void {}

  async close(): Promise<void> {
    const running = [...this.#running];
    for (const exec of running) exec.kill();
    await Promise.all(running.map((exec) => exec.ended));
  }
}

/** Runs scripts in a shell of this machine as the current user, whatever the target says; for tests of scripts. */
export class LocalTransport implements Transport {
  readonly #shell: LocalShell;

  /** @param shell default `sh` */
  constructor(shell: LocalShell = 'sh') {
    this.#shell = shell;
  }

  connect(): Promise<Connection> {
    return Promise.resolve(new LocalConnection(this.#shell));
  }
}
