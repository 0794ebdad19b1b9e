import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { quote } from '../../lib/shell-word.js';
import type { SshEndpoint, Target } from '../../transport/transport.js';
import { askHidden, hasTerminal } from '../hidden-prompt.js';

/** What `ssh` is given so that it gets passwords from this process, and not from a terminal, arguments, files or its environment. */
export interface Askpass {
  env: NodeJS.ProcessEnv;
  close(): void;
}

/** Hands the question over, and prints the answer; both stay between processes of one user. */
const HELPER = `
const socket = require('node:net').connect(process.argv[1], () => socket.end(process.argv[2]));
let answer = '';
socket.on('data', (chunk) => (answer += chunk)).on('error', () => process.exit(1));
socket.on('end', () => { if (answer === '') process.exit(1); process.stdout.write(answer + '\\n'); });
`;

/** Whether the inventory knows a password or passphrase that `ssh` will ask for. */
export function knowsPasswords(target: Target): boolean {
  return [target, ...target.jump].some(({ password, keyPassphrase }) => password !== undefined || keyPassphrase !== undefined);
}

/**
 * Answers the questions of `ssh` (8.4 or newer; older ones ask at the terminal) with what the inventory says; a person is asked for the rest.
 * @param directory a private one, for the socket
 */
export async function answerQuestions(target: Target, directory: string): Promise<Askpass> {
  const path = join(directory, 'answers');
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let question = '';
    socket.on('data', (chunk: Buffer) => (question += chunk.toString('utf8')));
    socket.on('error', () => undefined);
    socket.on(
      'end',
      () =>
        void answerTo(question, target).then(
          (answer) => socket.end(answer ?? ''),
          () => socket.destroy(),
        ),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, resolve);
  });
  const program = join(directory, 'askpass');
  writeFileSync(program, `#!/bin/sh\nexec ${quote(process.execPath)} -e ${quote(HELPER)} ${quote(path)} "$1"\n`, { mode: 0o700 });
  return { env: { SSH_ASKPASS: program, SSH_ASKPASS_REQUIRE: 'force' }, close: () => server.close() };
}

async function answerTo(question: string, target: Target): Promise<string | undefined> {
  return passwordFor(question, target) ?? (hasTerminal() ? askHidden(question) : undefined);
}

/** What the inventory has for a question of `ssh`: `admin@10.0.0.1's password: `, `Enter passphrase for key '/home/me/.ssh/id': `. */
export function passwordFor(question: string, target: Target): string | undefined {
  const endpoints: SshEndpoint[] = [target, ...target.jump];
  if (/^Enter passphrase for key/u.test(question)) {
    const owner = endpoints.find(
      ({ identityFile, keyPassphrase }) => keyPassphrase !== undefined && question.includes(`'${identityFile ?? ''}'`),
    );
    return (owner ?? endpoints.find(({ keyPassphrase }) => keyPassphrase !== undefined))?.keyPassphrase?.reveal();
  }
  if (!/password/iu.test(question)) return undefined;
  const names = ({ user, address, hostKeyAlias }: SshEndpoint): string[] =>
    [address, ...(hostKeyAlias === undefined ? [] : [hostKeyAlias])].map((host) => `${user}@${host.toLowerCase()}`);
  return endpoints
    .find((endpoint) => names(endpoint).some((name) => question.toLowerCase().includes(name.toLowerCase())))
    ?.password?.reveal();
}
