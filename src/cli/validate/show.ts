import { ExitCode } from '../../lib/errors.js';
import { Secret } from '../../lib/secret.js';
import type { Host, Provenance } from '../../model/index.js';
import { selectedHosts } from '../../plan/selection.js';
import { printable } from '../../report/printable.js';
import { describeReference } from '../../secrets/reference.js';
import { catalogOf } from '../catalog.js';
import { loadFor, printWarnings } from '../inventory.js';
import { selectionOf, type SelectionFlags, type CommonOptions } from '../options.js';

/** `pgprov show`: every resolved variable of each host, and where it came from. */
export async function show(file: string, options: CommonOptions & SelectionFlags): Promise<ExitCode> {
  const inventory = await loadFor(file, options, 'check');
  const aim = selectionOf(inventory, options);
  printWarnings(inventory);
  const names = selectedHosts(inventory, catalogOf(inventory), aim);
  const blocks = inventory.hosts.filter(({ name }) => names.includes(name)).map((host) => showHost(host, inventory.leader));
  process.stdout.write(`${blocks.join('\n\n')}\n`);
  return ExitCode.done;
}

function showHost(host: Host, leader: string): string {
  const rows = [...host.provenance].map(([path, from]) => [path, printValue(valueAt(host, path)), origin(from)] as const);
  const widths = [0, 1].map((column) => Math.min(44, Math.max(...rows.map((row) => row[column]?.length ?? 0))));
  const lines = rows.map(([path, value, from]) => `  ${path.padEnd(widths[0] ?? 0)}  ${value.padEnd(widths[1] ?? 0)}  ${from}`);
  const cluster = host.clusterAddress === host.address ? '' : `, cluster address ${host.clusterAddress}`;
  const head = `${host.name}  ${host.address}${cluster}${host.name === leader ? '  (first leader)' : ''}`;
  return [head, ...lines].join('\n');
}

function valueAt(host: Host, path: string): unknown {
  const hostFields: Record<string, unknown> = {
    address: host.address,
    cluster_address: host.clusterAddress,
    roles: host.roles,
    groups: host.groups,
    ssh: {
      config: host.ssh.config,
      address: host.ssh.address,
      user: host.ssh.user,
      port: host.ssh.port,
      identity_file: host.ssh.identityFile ?? host.ssh.identities?.files,
      identities_only: host.ssh.identities?.only,
      key_passphrase: host.ssh.keyPassphrase,
      agent: host.ssh.agent,
      host_key_alias: host.ssh.hostKeyAlias,
      password: host.ssh.password,
      jump: host.ssh.jump.map((hop) => `${hop.user}@${hop.address}:${hop.port}`),
      become: host.ssh.become.method,
      become_password: host.ssh.become.password,
      host_key_policy: host.ssh.hostKeys.policy,
      known_hosts: host.ssh.hostKeys.files,
      connect_timeout: host.ssh.connectTimeout,
      keepalive_interval: host.ssh.keepalive.interval,
      keepalive_count: host.ssh.keepalive.count,
      command_timeout: host.ssh.commandTimeout,
    },
    ...host.vars,
  };
  // A key of a mapping may itself hold dots, as in postgresql.parameters, so the longest key that fits is taken.
  return descend(hostFields, path.split('.'));
}

function descend(value: unknown, keys: readonly string[]): unknown {
  if (keys.length === 0) return value;
  if (typeof value !== 'object' || value === null) return undefined;
  for (let length = keys.length; length > 0; length -= 1) {
    const key = keys.slice(0, length).join('.');
    if (key in value) return descend((value as Record<string, unknown>)[key], keys.slice(length));
  }
  return undefined;
}

function printValue(value: unknown): string {
  if (value === undefined) return '(by platform)';
  if (value instanceof Secret) return '***';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function origin(from: Provenance): string {
  return from.reference === undefined ? placeOf(from) : `${placeOf(from)}: ${printable(describeReference(from.reference))}`;
}

function placeOf(from: Provenance): string {
  if (from.kind === 'default') return 'default';
  if (from.kind === 'ssh-config') return `${from.file}:${from.line}`;
  if (from.kind === 'set' || from.kind === 'role') return from.via ?? '--set';
  return `${from.file}:${from.line}:${from.column}${from.via === undefined ? '' : ` (${from.via})`}`;
}
