import { userInfo } from 'node:os';
import { isIPv6 } from 'node:net';
import { Secret } from '../lib/secret.js';
import type { SshHop, SshSettings } from './inventory.js';
import type { PathResolver } from './paths.js';
import type { Variables } from './inventory.js';

/** The name of the user that runs pgprov; `root` where the system has no name for it. */
export function currentUser(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username;
  } catch {
    return env['USER'] ?? 'root';
  }
}

/** The settings of a resolved `ssh` section; `addHopProblem` is told which hop cannot be read. */
export function sshSettings(section: Variables, paths: PathResolver, user: string, addHopProblem: (index: number, message: string) => void): SshSettings {
  const login = text(section['user']) ?? user;
  const identity = text(section['identity_file']);
  const identityFile = identity === undefined ? {} : { identityFile: paths.resolve(identity) };
  const jump = listOf(section['jump']).flatMap((hop, index) => {
    const parsed = parseHop(hop, login);
    if (typeof parsed !== 'string') return [{ ...parsed, ...identityFile }];
    addHopProblem(index, parsed);
    return [];
  });
  const become = text(section['become']) ?? (login === 'root' ? 'none' : 'sudo');
  return {
    user: login,
    port: section['port'] as number,
    ...identityFile,
    ...passwordOf(section['password']),
    jump,
    become: { method: become as 'sudo' | 'none', ...passwordOf(section['become_password']) },
    hostKeys: {
      policy: section['host_key_policy'] as 'strict' | 'accept-new',
      files: listOf(section['known_hosts']).map((path) => paths.resolve(path)),
    },
    connectTimeout: section['connect_timeout'] as number,
  };
}

/** Reads `user@host:port`, `host` or `[2001:db8::1]:22`; a string says what is wrong with it. */
export function parseHop(hop: string, user: string): SshHop | string {
  const form = 'must be a hop such as admin@bastion:22 or admin@[2001:db8::1]:22';
  const [, login, bracketed, plain, digits] = /^(?:([^@\s:]+)@)?(?:\[([^\]]+)\]|([^[\]@:\s]+))(?::(\d{1,5}))?$/u.exec(hop) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined || (bracketed !== undefined && !isIPv6(bracketed))) return form;
  if (!/^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$/u.test(address)) return form;
  const port = digits === undefined ? 22 : Number(digits);
  if (port < 1 || port > 65535) return `must have a port from 1 to 65535, not ${port}`;
  return { address, port, user: login ?? user };
}

function passwordOf(value: unknown): { password?: Secret } {
  return value instanceof Secret ? { password: value } : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
}
