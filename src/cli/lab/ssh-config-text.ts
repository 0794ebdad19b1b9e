import type { Machine } from './machine.js';

const HEADER = '# Made by pgprov from what Vagrant says; `ssh -F THIS-FILE NAME` works too.\n';

/**
 * Configuration of OpenSSH for the machines of a lab. Vagrant's own says that host keys are not to be checked; here each
 * machine's key is recorded at first sight, under a name that is new with each creation of the machine, and checked from then on.
 */
export function machinesConfig(machines: readonly Machine[], knownHosts: string): string {
  const blocks = machines.map(({ name, id = '', sshConfig }) => {
    // Its bare name may be that of somebody else's host.
    if (sshConfig === undefined) return `Host ${name}\n  HostName ${name}.not-running.invalid\n`;
    return `${trusted(name, `${name}-${id.replace(/\W/gu, '').slice(0, 12)}`.toLowerCase(), knownHosts)}${sshConfig}`;
  });
  return [HEADER, ...blocks].join('\n');
}

/**
 * The same for a configuration that somebody keeps: hosts whose keys it throws away are treated like that, all others
 * as it says.
 */
export function keptConfig(file: string, blocks: ReadonlyMap<string, string>, knownHosts: string): string {
  const careless = [...blocks].filter(([, block]) => /^\s*UserKnownHostsFile[\s=]+"?\/dev\/null"?\s*$/imu.test(block));
  return [HEADER, ...careless.map(([name]) => trusted(name, name.toLowerCase(), knownHosts)), `Host *\n  Include "${file}"\n`].join('\n');
}

/** Stands before the host's own block, because the first value counts. */
function trusted(name: string, alias: string, knownHosts: string): string {
  return `Host ${name}
  HostKeyAlias ${alias}
  StrictHostKeyChecking accept-new
  UserKnownHostsFile "${knownHosts}"
  GlobalKnownHostsFile none
`;
}
