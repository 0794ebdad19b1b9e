import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';

import ssh2, { type AnyAuthMethod, type AuthenticationType, type AuthHandlerMiddleware, type ParsedKey } from 'ssh2';

import { UnreachableError } from '../lib/errors.js';
import { ListedAgent, listAgent } from './agent.js';
import { fingerprint } from './host-key.js';
import { expandHome } from './known-hosts.js';
import type { SshEndpoint } from './transport.js';

/** Where keys come from on this machine. */
export interface KeySources {
  /** Socket of the ssh-agent, usually $SSH_AUTH_SOCK; none means no agent. */
  agentSocket?: string | undefined;
  /** Home directory with `.ssh/id_*`; default the user's */
  home?: string;
}

const DEFAULT_KEYS = ['id_ed25519', 'id_ecdsa', 'id_rsa'];

interface Attempt {
  method: AnyAuthMethod;
  /** What the server calls it. */
  wire: AuthenticationType;
  /** For people, e.g. `key ~/.ssh/id_rsa`. */
  label: string;
}

/** The ways of logging in that are tried on one endpoint, and what became of them. */
export class Login {
  /** Labels of what was really tried, in order. */
  readonly tried: string[] = [];
  /** Why something that was there was not tried. */
  readonly skipped: string[] = [];
  /** What the server said it takes; empty when it never said. */
  accepted: readonly string[] = [];
  readonly #attempts: Attempt[] = [];

  add(attempt: Attempt): void {
    this.#attempts.push(attempt);
  }

  /** A fresh handler for ssh2: one attempt after the other, leaving out what the server does not take. */
  handler(user: string): AuthHandlerMiddleware {
    const queue = [...this.#attempts];
    // With nothing to offer, `none` at least makes the server say what it would take.
    if (queue.length === 0) queue.push({ method: { type: 'none', username: user }, wire: 'none', label: '' });
    return (left, _partial, next) => {
      // ssh2 passes null before the server's first answer, which its types do not say.
      const accepted = left as AuthenticationType[] | null;
      if (accepted !== null) this.accepted = accepted;
      for (let attempt = queue.shift(); attempt !== undefined; attempt = queue.shift()) {
        if (accepted !== null && !accepted.includes(attempt.wire)) continue;
        if (attempt.label !== '') this.tried.push(attempt.label);
        next(attempt.method);
        return;
      }
      // `false` means give up; ssh2's types leave it out.
      next(false as unknown as AuthenticationType);
    };
  }
}

type KeyFile = { text: string } | { missing: true; why: string } | { encrypted: true } | { bad: string };

async function readKey(path: string): Promise<KeyFile> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' ? { missing: true, why: 'there is no such file' } : { bad: message };
  }
  const key: ParsedKey | Error = ssh2.utils.parseKey(text);
  if (!(key instanceof Error))
    return key.isPrivateKey() ? { text } : { bad: 'it holds a public key, not a private one' };
  return /passphrase/iu.test(key.message) ? { encrypted: true } : { bad: key.message };
}

async function publicHalf(path: string): Promise<Buffer | undefined> {
  try {
    const key: ParsedKey | Error = ssh2.utils.parseKey(await readFile(`${path}.pub`, 'utf8'));
    return key instanceof Error ? undefined : key.getPublicSSH();
  } catch {
    return undefined;
  }
}

function identityError(endpoint: SshEndpoint, host: string, file: string, why: string, hint: string): UnreachableError {
  return new UnreachableError({
    kind: 'ssh/identity-file',
    message: `cannot use the private key ${file} for ${endpoint.user} on ${host}: ${why}`,
    hint,
    host,
  });
}

function keyAttempt(user: string, text: string, file: string): Attempt {
  return { method: { type: 'publickey', username: user, key: text }, wire: 'publickey', label: `key ${file}` };
}

function agentAttempt(user: string, agent: ListedAgent): Attempt {
  const keys = agent.keys.map((key) => `${key.type} ${fingerprint(key.getPublicSSH())}`).join(', ');
  return { method: { type: 'agent', username: user, agent }, wire: 'publickey', label: `agent (${keys})` };
}

async function addIdentityFile(
  login: Login,
  endpoint: SshEndpoint,
  host: string,
  file: string,
  sources: KeySources,
): Promise<void> {
  const path = expandHome(file, sources.home);
  const key = await readKey(path);
  if ('text' in key) {
    login.add(keyAttempt(endpoint.user, key.text, file));
    return;
  }
  if ('missing' in key) throw identityError(endpoint, host, file, key.why, 'correct identity_file in the inventory');
  if ('bad' in key)
    throw identityError(endpoint, host, file, key.bad, 'name a readable private key in OpenSSH or PEM format');
  const half = await publicHalf(path);
  const agent = await listAgent(sources.agentSocket).catch(() => undefined);
  const unlocked = half === undefined ? undefined : agent?.only(half);
  if (unlocked === undefined) {
    throw identityError(
      endpoint,
      host,
      file,
      'it is protected by a passphrase',
      `encrypted keys are used through ssh-agent: run \`ssh-add ${file}\` (its public half must be beside it as ${file}.pub)`,
    );
  }
  login.add(agentAttempt(endpoint.user, unlocked));
}

async function addUsualKeys(login: Login, endpoint: SshEndpoint, sources: KeySources): Promise<void> {
  try {
    const agent = await listAgent(sources.agentSocket);
    if (agent !== undefined && agent.keys.length > 0) login.add(agentAttempt(endpoint.user, agent));
    if (agent?.keys.length === 0) login.skipped.push('the agent holds no keys');
  } catch (error) {
    login.skipped.push(`the agent at ${sources.agentSocket} does not answer (${(error as Error).message})`);
  }
  for (const name of DEFAULT_KEYS) {
    const file = `~/.ssh/${name}`;
    const key = await readKey(expandHome(file, sources.home ?? homedir()));
    if ('text' in key) login.add(keyAttempt(endpoint.user, key.text, file));
    else if ('encrypted' in key) login.skipped.push(`${file} is protected by a passphrase (add it to ssh-agent)`);
    else if ('bad' in key) login.skipped.push(`${file}: ${key.bad}`);
  }
}

/**
 * Gathers the ways to log in: the identity file alone when one is given, otherwise the agent's keys and the usual key
 * files; then the password, as `password` and as `keyboard-interactive`.
 *
 * @param host inventory name, for messages
 * @throws UnreachableError `ssh/identity-file`
 */
export async function prepareLogin(endpoint: SshEndpoint, host: string, sources: KeySources): Promise<Login> {
  const login = new Login();
  const { user, identityFile } = endpoint;
  if (identityFile !== undefined) await addIdentityFile(login, endpoint, host, identityFile, sources);
  // A password given on purpose goes first: six agent keys would use up the server's MaxAuthTries before it.
  const password = endpoint.password?.reveal();
  if (password !== undefined) {
    login.add({ method: { type: 'password', username: user, password }, wire: 'password', label: 'password' });
    login.add({
      method: {
        type: 'keyboard-interactive',
        username: user,
        prompt: (_name, _instructions, _lang, prompts, finish) =>
          finish(prompts.map(({ echo }) => (echo === true ? '' : password))),
      },
      wire: 'keyboard-interactive',
      label: 'password (keyboard-interactive)',
    });
  }
  if (identityFile === undefined) await addUsualKeys(login, endpoint, sources);
  return login;
}
