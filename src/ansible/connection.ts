import { VAULTED, type AnsibleVariables } from './source.js';

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
const NEEDLESS = 'not needed: pgprov runs nothing but a shell on the hosts';

const text =
  (key: string) =>
  (value: unknown): Taken => ({ ssh: { [key]: String(value) } });
const secret = (instead: string) => (): Taken => ({ why: `${SECRET}; ${instead}` });

/** Ansible's connection variables. */
const VARIABLES: Readonly<Record<string, (value: unknown) => Taken>> = {
  ansible_host: (value) => ({ address: String(value) }),
  ansible_port: (value) => ({ ssh: { port: Number(value) } }),
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
  if (typeof value === 'string' && value.includes('{{') && !isHidden)
    return { why: `an expression, which only Ansible evaluates: ${value}` };
  return known(value);
}

function isTrue(value: unknown): boolean {
  return value === true || /^(?:true|yes|on|1)$/iu.test(String(value));
}

function becomeMethod(method: string): Taken {
  if (method === 'sudo') return undefined;
  return method === 'doas' ? { ssh: { become: 'doas' } } : { why: `pgprov becomes root by sudo or doas, not by ${method}` };
}

/** Arguments of ssh: a jump host and how host keys are checked; the rest is told, without values, because one may hold a password. */
function sshArguments(written: string): Taken {
  const ssh: Record<string, unknown> = {};
  const rest: string[] = [];
  const words = written
    .trim()
    .split(/\s+/u)
    .map((word) => word.replace(/^["']|["']$/gu, ''));
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const [, flag, glued = ''] = /^-([oJip])(.*)$/su.exec(word) ?? [];
    if (flag === undefined) {
      if (word.startsWith('-') && word !== '-C') rest.push(word);
      continue;
    }
    const value = glued === '' ? (words[(index += 1)] ?? '') : glued;
    const option = flag === 'o' ? value : `${{ J: 'ProxyJump', i: 'IdentityFile', p: 'Port' }[flag] ?? ''}=${value}`;
    if (!takeOption(option.replace(/["']/gu, ''), ssh)) rest.push(flag === 'o' ? `-o ${/^\w*/u.exec(value)?.[0] ?? ''}` : `-${flag}`);
  }
  if (rest.length === 0) return { ssh };
  return { ssh, why: `of the arguments for ssh not understood: ${rest.join(' ')}; they may stand in ~/.ssh/config, which pgprov reads` };
}

function takeOption(option: string, ssh: Record<string, unknown>): boolean {
  const [, key = '', value = ''] = /^(\w+)[=\s](.+)$/su.exec(option) ?? [];
  switch (key.toLowerCase()) {
    case 'proxyjump':
      ssh['jump'] = value.split(',');
      return true;
    case 'stricthostkeychecking':
      if (value !== 'yes') ssh['host_key_policy'] = 'accept-new';
      return true;
    case 'userknownhostsfile':
      if (value !== '/dev/null') ssh['known_hosts'] = value;
      return true;
    case 'identityfile':
      ssh['identity_file'] = value;
      return true;
    case 'port':
      ssh['port'] = Number(value);
      return true;
    default:
      // How connections are shared and kept alive is pgprov's own affair.
      return /^(?:control(?:master|path|persist)|serveralive(?:interval|countmax)|loglevel|forwardagent|preferredauthentications|connecttimeout)$/iu.test(
        key,
      );
  }
}
