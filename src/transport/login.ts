import { homedir } from 'node:os';

import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware, ParsedKey } from 'ssh2';

import { UnreachableError } from '../lib/errors.js';
import { ListedAgent, listAgent } from './agent.js';
import { fingerprint } from './host-key.js';
import { openKey, readKeyFile } from './key-file.js';
import { expandHome } from './known-hosts.js';
import type { SshEndpoint } from './transport.js';

/** Where keys come from on this machine. */
export interface KeySources {
  /** Socket of the ssh-agent, usually $SSH_AUTH_SOCK; none means no agent. */
  agentSocket?: string | undefined;
  /** Home directory with `.ssh/id_*`; default the user's */
  home?: string;
  /** Passphrases of encrypted keys by absolute path, as `askForPassphrases` has learnt them. */
  passphrases?: ReadonlyMap<string, { reveal(): string }>;
}

/** Keys that are tried when nothing else is said, in OpenSSH's order of preference. */
export const USUAL_KEYS: readonly string[] = ['~/.ssh/id_ed25519', '~/.ssh/id_ecdsa', '~/.ssh/id_rsa'];

interface Attempt {
  method: AnyAuthMethod;
  /** What the server calls it. */
  wire: AuthenticationType;
  /** For people, e.g. `key ~/.ssh/id_rsa`. */
  label: string;
  /** What let us in, where the label names several things. */
  used?: () => string | undefined;
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
  #last: Attempt | undefined;

  add(attempt: Attempt): void {
    this.#attempts.push(attempt);
  }

  get isEmpty(): boolean {
    return this.#attempts.length === 0;
  }

  /** What the server has let us in by, once it has. */
  get used(): string {
    return this.#last?.used?.() ?? this.#last?.label ?? 'nothing';
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
        if (attempt.label !== '') this.#last = attempt;
        next(attempt.method);
        return;
      }
      // `false` means give up; ssh2's types leave it out.
      next(false as unknown as AuthenticationType);
    };
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

function keyAttempt(user: string, key: ParsedKey, file: string): Attempt {
  return { method: { type: 'publickey', username: user, key }, wire: 'publickey', label: `key ${file}` };
}

function keyName(key: ParsedKey): string {
  return `${key.type} ${fingerprint(key.getPublicSSH())}`;
}

function agentAttempt(user: string, agent: ListedAgent): Attempt {
  return {
    method: { type: 'agent', username: user, agent },
    wire: 'publickey',
    label: `agent (${agent.keys.map(keyName).join(', ')})`,
    used: () => (agent.signedWith === undefined ? undefined : `agent ${keyName(agent.signedWith)}`),
  };
}

/** The agent's keys, listed when first needed; one that does not answer counts as none. */
class LazyAgent {
  readonly socket: string | undefined;
  #listed: Promise<ListedAgent | Error | undefined> | undefined;

  constructor(endpoint: SshEndpoint, sources: KeySources) {
    this.socket = endpoint.agent ?? sources.agentSocket;
  }

  list(): Promise<ListedAgent | Error | undefined> {
    this.#listed ??= listAgent(this.socket).catch((error: Error) => error);
    return this.#listed;
  }

  async only(half: Buffer | undefined): Promise<ListedAgent | undefined> {
    if (half === undefined) return undefined;
    const agent = await this.list();
    return agent instanceof ListedAgent ? agent.only(half) : undefined;
  }
}

/** What a key file comes to: a way to log in, or why there is none and what to do about it. */
type Usable = { attempt: Attempt } | { missing: true } | { locked: true } | { why: string; hint: string };

async function attemptWith(endpoint: SshEndpoint, file: string, sources: KeySources, agent: LazyAgent | undefined): Promise<Usable> {
  const path = expandHome(file, sources.home);
  const found = await readKeyFile(path);
  if (found.is === 'key') return { attempt: keyAttempt(endpoint.user, found.key, file) };
  if (found.is === 'missing') return { missing: true };
  if (found.is === 'bad') return { why: found.why, hint: 'name a readable private key in OpenSSH or PEM format' };
  const held = await agent?.only(found.half);
  if (held !== undefined) return { attempt: agentAttempt(endpoint.user, held) };
  if (found.is === 'public') {
    return {
      why: 'it holds a public key, not a private one, and the agent does not have its other half',
      hint: 'name a readable private key in OpenSSH or PEM format',
    };
  }
  const passphrase = sources.passphrases?.get(path) ?? endpoint.keyPassphrase;
  if (passphrase === undefined) return { locked: true };
  const key = openKey(sources, found.text, passphrase.reveal());
  if (key === undefined)
    return { why: 'the passphrase does not open it', hint: `correct ssh.key_passphrase; try: ssh-keygen -y -f ${file}` };
  return { attempt: keyAttempt(endpoint.user, key, file) };
}

const LOCKED = 'it is protected by a passphrase';

function howToUnlock(file: string): string {
  return `run pgprov at a terminal, where it asks for the passphrase, or \`ssh-add ${file}\`, or set ssh.key_passphrase`;
}

/** A key that was named on purpose: no way around it. */
async function addIdentityFile(
  login: Login,
  endpoint: SshEndpoint,
  host: string,
  file: string,
  sources: KeySources,
  agent: LazyAgent,
): Promise<void> {
  const usable = await attemptWith(endpoint, file, sources, agent);
  if ('attempt' in usable) login.add(usable.attempt);
  else if ('missing' in usable)
    throw identityError(endpoint, host, file, 'there is no such file', 'correct identity_file in the inventory');
  else if ('locked' in usable) throw identityError(endpoint, host, file, LOCKED, howToUnlock(file));
  else throw identityError(endpoint, host, file, usable.why, usable.hint);
}

/** The agent's keys, those of the files first, then the files; as OpenSSH does. */
async function addKeys(login: Login, endpoint: SshEndpoint, sources: KeySources, agent: LazyAgent): Promise<void> {
  const { files: named = [], only = false } = endpoint.identities ?? {};
  const files = named.length > 0 ? named : USUAL_KEYS;
  if (!only) await addAgent(login, endpoint.user, agent, await halvesOf(named, sources));
  for (const file of files) {
    const usable = await attemptWith(endpoint, file, sources, only ? agent : undefined);
    if ('attempt' in usable) login.add(usable.attempt);
    else if ('locked' in usable) await skipUnlessHeld(login, file, sources, agent);
    else if ('why' in usable && !(await isHeld(file, sources, agent))) login.skipped.push(`${file}: ${usable.why}`);
    else if ('missing' in usable && named.length > 0) login.skipped.push(`${file}: there is no such file`);
  }
}

async function halvesOf(files: readonly string[], sources: KeySources): Promise<Buffer[]> {
  const found = await Promise.all(files.map((file) => readKeyFile(expandHome(file, sources.home))));
  return found.flatMap((file) => {
    if (file.is === 'key') return [file.key.getPublicSSH()];
    return 'half' in file && file.half !== undefined ? [file.half] : [];
  });
}

async function isHeld(file: string, sources: KeySources, agent: LazyAgent): Promise<boolean> {
  const found = await readKeyFile(expandHome(file, sources.home ?? homedir()));
  return 'half' in found && (await agent.only(found.half)) !== undefined;
}

async function skipUnlessHeld(login: Login, file: string, sources: KeySources, agent: LazyAgent): Promise<void> {
  if (await isHeld(file, sources, agent)) return;
  login.skipped.push(`${file} is protected by a passphrase (add it to ssh-agent, or set ssh.key_passphrase)`);
}

async function addAgent(login: Login, user: string, agent: LazyAgent, first: readonly Buffer[]): Promise<void> {
  const listed = await agent.list();
  if (listed instanceof Error) login.skipped.push(`the agent at ${agent.socket} does not answer (${listed.message})`);
  else if (listed?.keys.length === 0) login.skipped.push('the agent holds no keys');
  else if (listed !== undefined) login.add(agentAttempt(user, listed.startingWith(first)));
}

/**
 * Gathers the ways to log in: the identity file alone when one is given, otherwise the agent's keys and the key files of
 * OpenSSH's configuration or the usual ones; then the password, as `password` and as `keyboard-interactive`.
 *
 * @param host inventory name, for messages
 * @throws UnreachableError `ssh/identity-file`
 */
export async function prepareLogin(endpoint: SshEndpoint, host: string, sources: KeySources): Promise<Login> {
  const login = new Login();
  const agent = new LazyAgent(endpoint, sources);
  const { user, identityFile } = endpoint;
  if (identityFile !== undefined) await addIdentityFile(login, endpoint, host, identityFile, sources, agent);
  // A password given on purpose goes first: six agent keys would use up the server's MaxAuthTries before it.
  const password = endpoint.password?.reveal();
  if (password !== undefined) {
    login.add({ method: { type: 'password', username: user, password }, wire: 'password', label: 'password' });
    login.add({
      method: {
        type: 'keyboard-interactive',
        username: user,
        prompt: (_name, _instructions, _lang, prompts, finish) => finish(prompts.map(({ echo }) => (echo === true ? '' : password))),
      },
      wire: 'keyboard-interactive',
      label: 'password (keyboard-interactive)',
    });
  }
  if (identityFile === undefined) await addKeys(login, endpoint, sources, agent);
  return login;
}
