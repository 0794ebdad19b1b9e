import { homedir, userInfo } from 'node:os';
import { DEFAULT_KNOWN_HOSTS, expandHome } from './known-hosts.js';
import { USUAL_KEYS } from './login.js';
import type { HostKeys, SshEndpoint, Target } from './transport.js';

/** What stands for a hop of the way to a host in `opensshConfig`. */
function hopName(host: string, index: number): string {
  return `${host}-jump-${index + 1}`;
}

/**
 * A configuration for the `ssh` program (OpenSSH 7.6 or newer) that reaches a target as pgprov does, under the target's name: through the same
 * hops, with the same keys, checking host keys in the same files. It holds no passwords; where there are any, they come before keys, as here.
 */
export function opensshConfig(target: Target): string {
  const { jump, hostKeys, connectTimeout, keepalive } = target;
  const common = [
    `ConnectTimeout ${Math.max(1, Math.ceil(connectTimeout))}`,
    ...(keepalive === undefined ? [] : [`ServerAliveInterval ${keepalive.interval}`, `ServerAliveCountMax ${keepalive.count}`]),
  ];
  const blocks = [
    ...jump.map((hop, index) => ({ endpoint: hop, name: hopName(target.name, index), index })),
    { endpoint: target, name: target.name, index: jump.length },
  ];
  return blocks
    .map(({ endpoint, name, index }) =>
      [
        `Host ${name}`,
        ...[
          ...endpointLines(endpoint),
          ...hostKeyLines(endpoint.hostKeys ?? hostKeys, endpoint),
          ...common,
          index === 0 ? 'ProxyJump none' : `ProxyJump ${hopName(target.name, index - 1)}`,
        ].map((line) => `  ${line}`),
      ].join('\n'),
    )
    .concat('Host *\n  SendEnv LANG LC_*\n')
    .join('\n');
}

function endpointLines({ address, port, user, identityFile, identities, agent, password }: SshEndpoint): string[] {
  const named = identityFile === undefined ? (identities?.files ?? []) : [identityFile];
  const files = named.length === 0 ? usualKeys() : named;
  return [
    `HostName ${escaped(address)}`,
    `Port ${port}`,
    `User ${word(user)}`,
    ...files.map((file) => `IdentityFile ${word(escaped(file))}`),
    ...(identityFile !== undefined || identities?.only === true ? ['IdentitiesOnly yes'] : []),
    ...(agent === undefined ? [] : [`IdentityAgent ${agent === '' ? 'none' : word(escaped(agent))}`]),
    ...(password === undefined ? [] : ['PreferredAuthentications password,keyboard-interactive,publickey']),
  ];
}

function hostKeyLines({ policy, files }: HostKeys, { hostKeyAlias }: SshEndpoint): string[] {
  const known = files.length === 0 ? DEFAULT_KNOWN_HOSTS : files;
  return [
    `StrictHostKeyChecking ${policy === 'strict' ? 'yes' : policy}`,
    `UserKnownHostsFile ${known.map((file) => word(expandHome(file))).join(' ')}`,
    // Nothing but these files is trusted, and nothing is learnt from servers.
    'GlobalKnownHostsFile /dev/null',
    'CheckHostIP no',
    'UpdateHostKeys no',
    ...(hostKeyAlias === undefined ? [] : [`HostKeyAlias ${word(hostKeyAlias)}`]),
  ];
}

/** The keys of pgprov's home where that is another than OpenSSH's, which takes none from `HOME`; containers of CI systems have it so. */
function usualKeys(): string[] {
  return homedir() === opensshHome() ? [] : USUAL_KEYS.map((file) => expandHome(file));
}

function opensshHome(): string | undefined {
  try {
    return userInfo().homedir;
  } catch {
    // The user has no entry in the system's list, as in a container that runs under any number.
    return undefined;
  }
}

/** A `%` would begin a token. */
function escaped(text: string): string {
  return text.replaceAll('%', '%%');
}

function word(text: string): string {
  return /[\s"'#]/u.test(text) ? `"${text.replaceAll('"', '\\"')}"` : text;
}
