import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, writePrivate } from '../../store/files.js';
import type { Machine } from './machine.js';

/** What the directory of a lab holds besides the plugin's file and the cluster's store. */
export interface LabFiles {
  /** The inventory that is made for the machines. */
  inventory: string;
  /** How to get into them, in the form of OpenSSH's configuration. */
  sshConfig: string;
  /** Their host keys. */
  knownHosts: string;
  /** The machines as they were when they were last seen. */
  machines: string;
  /** Keys, passwords and journals of the cluster. */
  store: string;
}

export function labFiles(directory: string): LabFiles {
  return {
    inventory: join(directory, 'inventory.yml'),
    sshConfig: join(directory, 'ssh-config'),
    knownHosts: join(directory, 'known_hosts'),
    machines: join(directory, 'machines.json'),
    store: join(directory, '.pgprov'),
  };
}

/**
 * The machines with what was known of them earlier: a machine that is down cannot be asked how it is reached. When all
 * machines of earlier were destroyed, what was kept of them goes too: their cluster's keys and passwords are of no use to new ones.
 */
export async function recall(directory: string, machines: readonly Machine[]): Promise<Machine[]> {
  const { machines: file } = labFiles(directory);
  const earlier = JSON.parse((await readIfThere(file)) ?? '[]') as Machine[];
  const isSame = (was: Machine): boolean => machines.some(({ name, id }) => name === was.name && id === was.id);
  if (earlier.length > 0 && !earlier.some((was) => was.id === undefined || isSame(was))) {
    await forget(directory);
    return [...machines];
  }
  return machines.map((machine) => {
    const was = earlier.find(({ name }) => name === machine.name);
    const { address, sshConfig } = was ?? {};
    return {
      ...machine,
      ...(machine.address === undefined && address !== undefined ? { address } : {}),
      ...(machine.sshConfig === undefined && sshConfig !== undefined && was?.id === machine.id ? { sshConfig } : {}),
    };
  });
}

/** Keeps what is known of the machines that exist. */
export async function remember(directory: string, machines: readonly Machine[]): Promise<void> {
  const existing = machines.filter(({ id }) => id !== undefined);
  await mkdir(directory, { recursive: true });
  await writePrivate(labFiles(directory).machines, `${JSON.stringify(existing, undefined, 2)}\n`);
}

async function forget(directory: string): Promise<void> {
  await Promise.all(Object.values(labFiles(directory)).map((path) => rm(path as string, { recursive: true, force: true })));
}
