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

/** Machines, and which of them replace others of the same name while the rest of the lab stayed. */
export interface Recalled {
  machines: Machine[];
  anew: string[];
}

/**
 * The machines with what was known of them earlier: a machine that is down cannot be asked how it is reached. When all
 * machines of earlier were destroyed, what was kept of them goes too: their cluster's keys and passwords are of no use to new ones.
 */
export async function recall(directory: string, machines: readonly Machine[]): Promise<Recalled> {
  const earlier = await readMemory(directory);
  const isSame = (was: Machine): boolean => machines.some(({ name, id }) => name === was.name && id === was.id);
  if (earlier.length > 0 && !earlier.some(isSame)) {
    await forget(directory);
    return { machines: [...machines], anew: [] };
  }
  const anew = machines.filter(({ name, id }) => id !== undefined && earlier.some((was) => was.name === name && was.id !== id));
  return { machines: machines.map((machine) => withMemory(machine, earlier)), anew: anew.map(({ name }) => name) };
}

function withMemory(machine: Machine, earlier: readonly Machine[]): Machine {
  const was = earlier.find(({ name }) => name === machine.name);
  const { address, sshConfig } = was ?? {};
  return {
    ...machine,
    ...(machine.address === undefined && address !== undefined ? { address } : {}),
    ...(machine.sshConfig === undefined && sshConfig !== undefined && was?.id === machine.id ? { sshConfig } : {}),
  };
}

/** Keeps what is known of the machines that exist, and of those that were destroyed while others stayed. */
export async function remember(directory: string, machines: readonly Machine[]): Promise<void> {
  const earlier = await readMemory(directory);
  const kept = machines.flatMap((machine) =>
    machine.id === undefined ? (earlier.find(({ name }) => name === machine.name) ?? []) : machine,
  );
  await mkdir(directory, { recursive: true });
  await writePrivate(labFiles(directory).machines, `${JSON.stringify(kept, undefined, 2)}\n`);
}

async function readMemory(directory: string): Promise<Machine[]> {
  return JSON.parse((await readIfThere(labFiles(directory).machines)) ?? '[]') as Machine[];
}

async function forget(directory: string): Promise<void> {
  await Promise.all(Object.values(labFiles(directory)).map((path) => rm(path, { recursive: true, force: true })));
}
