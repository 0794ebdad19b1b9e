import { ExitCode, InputError, PgprovError } from '../lib/errors.js';
import { Secret } from '../lib/secret.js';
import { toTarget, type Host, type Inventory } from '../model/index.js';
import type { KeySources } from '../transport/login.js';
import { askForPassphrases } from '../transport/passphrases.js';
import { timeAnswer } from './asking.js';

/** Options that have a person asked for passwords, once for all hosts. */
export interface AskOptions {
  /** For the login, where the inventory gives none. */
  askPass?: boolean;
  /** For sudo, where the inventory gives none. */
  askBecomePass?: boolean;
}

/** The inventory with the passwords that a person was asked for. */
export async function withAskedPasswords(inventory: Inventory, options: AskOptions): Promise<Inventory> {
  let { hosts } = inventory;
  if (options.askPass === true) {
    hosts = await fill(hosts, (host) => host.ssh.password === undefined, 'Login password: ', (ssh, password) => ({ ...ssh, password }));
  }
  if (options.askBecomePass === true) {
    const needs = ({ ssh: { become } }: Host): boolean => become.method === 'sudo' && become.password === undefined;
    hosts = await fill(hosts, needs, 'Password for sudo: ', (ssh, password) => ({ ...ssh, become: { ...ssh.become, password } }));
  }
  return { ...inventory, hosts };
}

async function fill(hosts: Host[], needs: (host: Host) => boolean, question: string, put: (ssh: Host['ssh'], password: Secret) => Host['ssh']): Promise<Host[]> {
  if (!hosts.some(needs)) return hosts;
  if (!hasTerminal()) {
    throw new InputError({
      kind: 'cli/no-terminal',
      message: 'there is no terminal to ask for a password at',
      hint: 'give ssh.password or ssh.become_password in the inventory, as {env: NAME} or {file: path}',
    });
  }
  const answer = await askHidden(question);
  if (answer === undefined || answer === '') throw new InputError({ kind: 'cli/no-password', message: 'no password was given' });
  const password = new Secret(answer);
  return hosts.map((host) => (needs(host) ? { ...host, ssh: put(host.ssh, password) } : host));
}

/** What keys there are, kept for a command that connects twice, so that nobody is asked twice. */
let sources: KeySources = { agentSocket: process.env['SSH_AUTH_SOCK'] };

/** Where keys come from; asks for the passphrases that the hosts need, if there is a terminal. */
export async function keySourcesFor(hosts: readonly Host[]): Promise<KeySources> {
  if (hasTerminal()) sources = await askForPassphrases(hosts.map(toTarget), sources, askHidden);
  return sources;
}

function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

const ENTER = /[\r\n\u0004]/u;
const INTERRUPT = '\u0003';
const BACKSPACE = /[\b\u007f]/u;
const KILL_LINE = '\u0015';

/**
 * Asks at the terminal without showing what is typed; undefined when the input ends without a word.
 * @throws PgprovError `cli/interrupted` on Ctrl-C
 */
export async function askHidden(question: string): Promise<string | undefined> {
  const { stdin, stderr } = process;
  // First, for whoever answers at once would see the answer.
  stdin.setRawMode(true);
  stderr.write(question);
  stdin.resume();
  let typed = '';
  try {
    return await timeAnswer(() => new Promise<string | undefined>((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        for (const character of chunk.toString('utf8')) {
          if (character === INTERRUPT) done(() => reject(interrupted()));
          else if (ENTER.test(character)) done(() => resolve(typed === '' && character === '\u0004' ? undefined : typed));
          else if (BACKSPACE.test(character)) typed = [...typed].slice(0, -1).join('');
          else if (character === KILL_LINE) typed = '';
          else typed += character;
        }
      };
      const end = (): void => done(() => resolve(undefined));
      const done = (settle: () => void): void => {
        stdin.off('data', take);
        stdin.off('end', end);
        settle();
      };
      stdin.on('data', take);
      stdin.on('end', end);
    }));
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write('\n');
  }
}

function interrupted(): PgprovError {
  return new PgprovError({ kind: 'cli/interrupted', message: 'interrupted; nothing was changed', exitCode: ExitCode.interrupted });
}
