import { InputError } from '../lib/errors.js';
import { Secret } from '../lib/secret.js';
import { toTarget, type Host, type Inventory } from '../model/index.js';
import type { KeySources } from '../transport/login.js';
import { askForPassphrases } from '../transport/passphrases.js';
import { askHidden, hasTerminal } from './hidden-prompt.js';

/** Options that have a person asked for passwords, once for all hosts. */
export interface AskOptions {
  /** For the login, where the inventory gives none. */
  askPass?: boolean;
  /** For sudo, where the inventory gives none. */
  askBecomePass?: boolean;
}

/** The inventory with the passwords that a person was asked for. */
export async function withAskedPasswords(inventory: Inventory, options: AskOptions): Promise<Inventory> {
  const present = inventory.hosts.length;
  let hosts = [...inventory.hosts, ...inventory.absent];
  if (options.askPass === true) {
    hosts = await fill(
      hosts,
      (host) => host.ssh.password === undefined,
      'Login password: ',
      (ssh, password) => ({ ...ssh, password }),
    );
  }
  if (options.askBecomePass === true) {
    const needs = ({ ssh: { become } }: Host): boolean => become.method === 'sudo' && become.password === undefined;
    hosts = await fill(hosts, needs, 'Password for sudo: ', (ssh, password) => ({ ...ssh, become: { ...ssh.become, password } }));
  }
  return { ...inventory, hosts: hosts.slice(0, present), absent: hosts.slice(present) };
}

async function fill(
  hosts: Host[],
  needs: (host: Host) => boolean,
  question: string,
  put: (ssh: Host['ssh'], password: Secret) => Host['ssh'],
): Promise<Host[]> {
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
