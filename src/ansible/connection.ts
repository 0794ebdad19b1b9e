import { shellWords } from './shell-words.js';
import { EXPRESSION, isExpression, VAULTED, type AnsibleVariables } from './source.js';

/** What variables of Ansible say about a host, in the inventory's own terms. */
export interface AnsibleConnection {
  address?: string;
  /** Settings of the section `ssh`. */
  ssh: Readonly<Record<string, unknown>>;
  /** Variables that were not taken over, each with the reason. */
  notes: readonly LeftVariable[];
}

/** Why a variable was not taken over. */
export interface LeftVariable {
  /** Where it is given. */
  at: string;
  key: string;
  why: string;
}

/** What a variable becomes, and why not all of it; undefined: it is understood, and there is nothing to set. */
type Taken = { address?: string; ssh?: Readonly<Record<string, unknown>>; why?: string } | undefined;

const SECRET = 'a secret, never copied';
const NOT_A_LINE = 'not one line of text; nothing of it was taken, and it is not shown';
const NEEDLESS = 'not needed: pgprov runs nothing but a shell on the hosts';

const text =
  (key: string) =>
  (value: unknown): Taken => ({ ssh: { [key]: String(value).trimEnd() } });
const secret = (instead: string) => (): Taken => ({ why: `${SECRET}; ${instead}` });

/** Ansible's connection variables. */
const VARIABLES: Readonly<Record<string, (value: unknown) => Taken>> = {
  ansible_host: (value) => ({ address: String(value) }),
  ansible_port: (value) => portOf(value) ?? { why: 'not a port' },
  ansible_user: text('user'),
  ansible_private_key_file: text('identity_file'),
  ansible_password: secret('give ssh.password as {env: NAME}, or say --ask-pass'),
  ansible_become_password: secret('give ssh.become_password as {env: NAME}, or say --ask-become-pass'),
  ansible_private_key_passphrase: secret('give ssh.key_passphrase as {env: NAME}'),
  ansible_become: (value) => (isTrue(value) ? undefined : { ssh: { become: 'none' } }),
  ansible_become_method: (value) => becomeMethod(String(value)),
  ansible_become_user: (value) => (value === 'root' ? undefined : { why: 'pgprov becomes root and nobody else' }),
  ansible_connection: (value) =>
    ['ssh', 'smart', 'paramiko', 'paramiko_ssh'].includes(String(value)) ? undefined : { why: 'pgprov goes through SSH alone' },
  ansible_common_args: (value) => sshArguments(String(value)),
  ansible_extra_args: (value) => sshArguments(String(value)),
  ansible_host_key_checking: (value) => (isTrue(value) ? undefined : { ssh: { host_key_policy: 'accept-new' } }),
  ansible_python_interpreter: () => ({ why: NEEDLESS }),
  ansible_pipelining: () => ({ why: NEEDLESS }),
};

/** Other names of the same. */
const ALIASES: readonly (readonly [RegExp, string])[] = [
  [
    /^ansible_ssh_(host_key_checking|host|port|user|private_key_file|private_key_passphrase|common_args|extra_args|pipelining)$/u,
    'ansible_$1',
  ],
  [/^ansible_(?:ssh_)?pass(?:word)?$/u, 'ansible_password'],
  [/^ansible_(?:become|sudo|su)_pass(?:word)?$/u, 'ansible_become_password'],
];

/** Whether a variable is one of Ansible's own. */
export function isConnectionVariable(key: string): boolean {
  return key.startsWith('ansible_');
}

/** How a host is reached, from its variables, those that are no connection variables left out. */
export function connectionOf(vars: AnsibleVariables): AnsibleConnection {
  let address: string | undefined;
  let ssh: Record<string, unknown> = {};
  const notes: LeftVariable[] = [];
  for (const [key, { value, at }] of vars) {
    if (!isConnectionVariable(key)) continue;
    const taken = take(key, value);
    if (taken?.why !== undefined) notes.push({ at, key, why: taken.why });
    address = taken?.address ?? address;
    ssh = { ...ssh, ...taken?.ssh };
  }
  return { ...(address === undefined ? {} : { address }), ssh, notes };
}

function take(key: string, value: unknown): Taken {
  const [pattern, name] = ALIASES.find(([alias]) => alias.test(key)) ?? [];
  const known = VARIABLES[pattern === undefined ? key : key.replace(pattern, name ?? '')];
  if (known === undefined) return { why: 'not understood' };
  const isHidden = /pass(?:word|phrase)?$/u.test(key);
  if (value === VAULTED && !isHidden) return { why: 'encrypted with Ansible Vault, not taken' };
  if (isExpression(value) && !isHidden) return { why: EXPRESSION };
  if (!isHidden && !isLine(value)) return { why: NOT_A_LINE };
  return known(value);
}

/** A private key that is written where its file should be named is none. */
function isLine(value: unknown): boolean {
  return ['number', 'boolean'].includes(typeof value) || (typeof value === 'string' && !/\p{Cc}/u.test(value.trimEnd()));
}

function isTrue(value: unknown): boolean {
  return value === true || /^(?:true|yes|on|1)$/iu.test(String(value));
}

function becomeMethod(method: string): Taken {
  if (method === 'sudo') return undefined;
  return method === 'doas' ? { ssh: { become: 'doas' } } : { why: 'pgprov becomes root by sudo or doas, and in no other way' };
}

function portOf(value: unknown): Taken {
  return /^[0-9]{1,5}$/u.test(String(value)) ? { ssh: { port: Number(value) } } : undefined;
}

const FLAGS: Readonly<Record<string, string>> = { J: 'ProxyJump', i: 'IdentityFile', p: 'Port' };

/** Arguments of ssh: a jump host and how host keys are checked; the rest is told, without values, because one may hold a password. */
function sshArguments(written: string): Taken {
  const ssh: Record<string, unknown> = {};
  const rest: string[] = [];
  const words = shellWords(written);
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const [, flag, glued = ''] = /^-([oJip])(.*)$/su.exec(word) ?? [];
    if (flag === undefined) {
      const [name = ''] = /^--?[A-Za-z]/u.exec(word) ?? [];
      if (name !== '' && word !== '-C') rest.push(name);
      continue;
    }
    const value = glued === '' ? (words[(index += 1)] ?? '') : glued;
    if (!takeOption(flag === 'o' ? value : `${FLAGS[flag] ?? ''}=${value}`, ssh))
      rest.push(flag === 'o' ? `-o ${/^[A-Za-z]*/u.exec(value)?.[0] ?? ''}` : `-${flag}`);
  }
  if (rest.length === 0) return { ssh };
  const way = rest.some((option) => /ProxyCommand$/iu.test(option))
    ? 'pgprov goes through hosts, as ssh.jump or ProxyJump in ~/.ssh/config names them, and through no ProxyCommand'
    : 'they may stand in ~/.ssh/config, which pgprov reads';
  return { ssh, why: `of the arguments for ssh not understood: ${rest.join(' ')}; ${way}` };
}

/**
 * The host that a command goes through as a jump does: `ssh -W %h:%p -q admin@bastion`. With an option that a jump has not, such as a key of its
 * own, it is none.
 */
function jumpOf(command: string): string | undefined {
  const [program, ...words] = shellWords(command);
  if (program !== 'ssh') return undefined;
  let [port, forwards, host] = ['', false, ''];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    if (word === '-W') forwards = words[(index += 1)] === '%h:%p';
    else if (word === '-p') port = words[(index += 1)] ?? '';
    else if (word === '-q') continue;
    else if (host === '' && /^(?:[\w.-]+@)?[\w.-]+$/u.test(word) && !word.startsWith('-')) host = word;
    else return undefined;
  }
  if (!forwards || host === '' || (port !== '' && portOf(port) === undefined)) return undefined;
  return port === '' ? host : `${host}:${port}`;
}

function takeOption(option: string, ssh: Record<string, unknown>): boolean {
  const [, key = '', value = ''] = /^(\w+)[=\s]\s*(.+)$/su.exec(option) ?? [];
  if (isExpression(value)) return false;
  switch (key.toLowerCase()) {
    case 'proxyjump':
      ssh['jump'] = value.split(',');
      return true;
    case 'proxycommand': {
      const jump = jumpOf(value);
      if (jump !== undefined) ssh['jump'] = [jump];
      return jump !== undefined;
    }
    case 'stricthostkeychecking':
      if (value !== 'yes') ssh['host_key_policy'] = 'accept-new';
      return true;
    case 'userknownhostsfile': {
      const files = value.split(/\s+/u).filter((file) => file !== '/dev/null');
      if (files.length > 0) ssh['known_hosts'] = files.length === 1 ? files[0] : files;
      return true;
    }
    case 'identityfile':
      ssh['identity_file'] = value;
      return true;
    case 'port': {
      const port = portOf(value);
      Object.assign(ssh, port?.ssh);
      return port !== undefined;
    }
    default:
      // How connections are shared and kept alive is pgprov's own affair, and of keys it offers no other than the one that is given.
      return /^(?:control(?:master|path|persist)|serveralive(?:interval|countmax)|loglevel|forwardagent|preferredauthentications|connecttimeout|identitiesonly)$/iu.test(
        key,
      );
  }
}
