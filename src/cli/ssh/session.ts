import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StdioOptions } from 'node:child_process';
import { toTarget, type Host } from '../../model/index.js';
import { opensshConfig } from '../../transport/openssh-config.js';
import { withPrivateDirectory } from '../private-directory.js';
import { runProgram } from '../run-program.js';
import { answerQuestions, knowsPasswords } from './askpass.js';

/** What is run over the system's `ssh`. */
export interface SshSession {
  /** A line for the login shell; default: that shell itself. */
  command?: string;
  /** Have a terminal on the host. */
  terminal: boolean;
  /** Default: those of this process. */
  stdio?: StdioOptions;
}

const HINT = 'install OpenSSH’s client: `apt-get install openssh-client`, or `dnf install openssh-clients`';

/** Whether this process has a terminal for what is typed and for what is shown. */
export function hasBothEnds(): boolean {
  return process.stdin.isTTY === true && process.stdout.isTTY === true;
}

/**
 * Runs `ssh` to a host as the inventory reaches it; gives its exit code.
 * @throws InputError where there is no `ssh`
 */
export async function runSsh(host: Host, { command, terminal, stdio }: SshSession): Promise<number> {
  const target = toTarget(host);
  return withPrivateDirectory('pgprov-ssh-', async (directory, signal) => {
    const config = join(directory, 'config');
    writeFileSync(config, opensshConfig(target), { mode: 0o600 });
    const askpass = knowsPasswords(target) ? await answerQuestions(target, directory) : undefined;
    try {
      return await runProgram({
        program: 'ssh',
        // One word, so that nothing of it is taken for an option.
        args: ['-F', config, terminal ? '-t' : '-T', '--', host.name, ...(command === undefined ? [] : [` ${command}`])],
        env: { ...process.env, ...askpass?.env },
        ...(stdio === undefined ? {} : { stdio }),
        signal,
        hint: HINT,
      });
    } finally {
      askpass?.close();
    }
  });
}
