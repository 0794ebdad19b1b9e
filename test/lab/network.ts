import { createHash } from 'node:crypto';

import { withLock } from './lock.js';
import { MIRROR_CONTAINER } from './mirror.js';
import { LAB_ID } from './paths.js';
import { attempt, run } from './process.js';
import { runLabels } from './run-labels.js';

const NETWORK_NAME = /^[a-z0-9][a-z0-9-]{0,30}$/;
const FIRST_HOST = 11;
const LAST_HOST = 250;

/** Two starts at the same time in one process must not be given the same address. */
const reserved = new Set<string>();

/** A network of test hosts; several of them live side by side and do not see each other. */
export interface LabNetwork {
  /** The name it was asked for by, such as `demo`. */
  name: string;
  /** The engine's name for it. */
  id: string;
  /** The first three numbers of every address in it. */
  prefix: string;
  /** The address of the package mirror in it. */
  mirror: string;
}

/** The engine's name for a network of this lab. */
export function networkId(name: string): string {
  return `pgprov-${LAB_ID}-${name}`;
}

/**
 * Makes a network unless it is there, and connects the mirror to it.
 *
 * @param subnet such as `10.213.7.0/24`; default: one that is free
 * @throws Error where another network has the subnet
 */
export async function ensureNetwork(name: string, subnet?: string): Promise<LabNetwork> {
  if (!NETWORK_NAME.test(name)) throw new Error(`"${name}" is no name for a lab: lower-case letters, digits and dashes, please`);
  return withLock('network', async () => {
    const network = (await findNetwork(name)) ?? (await createNetwork(name, subnet));
    await connectMirror(network);
    return network;
  });
}

/** An address that no running or stopped host of the network has; `releaseAddress` ends the reservation. */
export async function freeAddress(network: LabNetwork): Promise<string> {
  const filter = ['--filter', `label=pgprov.lab=${LAB_ID}`, '--filter', `label=pgprov.lab.network=${network.name}`];
  const listing = await run`docker ps --all ${filter} --format ${'{{.Label "pgprov.lab.address"}}'}`;
  const taken = new Set(listing.stdout.split('\n'));
  for (let number = FIRST_HOST; number <= LAST_HOST; number++) {
    const address = `${network.prefix}.${number}`;
    if (taken.has(address) || reserved.has(address)) continue;
    reserved.add(address);
    return address;
  }
  throw new Error(`the network ${network.name} has no address left`);
}

/** Gives an address back once its container exists, or never will. */
export function releaseAddress(address: string): void {
  reserved.delete(address);
}

/** Removes a network; its hosts must be gone. */
export async function removeNetwork(name: string): Promise<void> {
  await attempt`docker network disconnect --force ${networkId(name)} ${MIRROR_CONTAINER}`;
  await attempt`docker network rm ${networkId(name)}`;
}

/** Names of the networks this lab has. */
export async function networkNames(): Promise<string[]> {
  const listing = await run`docker network ls --filter ${`label=pgprov.lab=${LAB_ID}`} --format ${'{{.Label "pgprov.lab.network"}}'}`;
  return listing.stdout
    .split('\n')
    .filter((name) => name !== '')
    .sort();
}

async function findNetwork(name: string): Promise<LabNetwork | undefined> {
  const found = await attempt`docker network inspect --format ${'{{(index .IPAM.Config 0).Subnet}}'} ${networkId(name)}`;
  return found.exitCode === 0 ? describe(name, found.stdout.trim()) : undefined;
}

async function createNetwork(name: string, wanted?: string): Promise<LabNetwork> {
  const id = networkId(name);
  const own = { 'pgprov.lab': LAB_ID, 'pgprov.lab.network': name, ...runLabels() };
  const labels = Object.entries(own).flatMap(([label, value]) => ['--label', `${label}=${value}`]);
  const start = createHash('sha256').update(id).digest().readUInt8(0);
  let refusal = '';
  // Where a subnet overlaps with one in use the engine refuses it, and the next one is tried.
  const subnets = wanted === undefined ? Array.from({ length: 256 }, (_, step) => `10.213.${(start + step) % 256}.0/24`) : [wanted];
  for (const subnet of subnets) {
    const created = await attempt`docker network create --subnet ${subnet} ${labels} ${id}`;
    if (created.exitCode === 0) return describe(name, subnet);
    refusal = created.stderr.trim();
    if (!/overlap/i.test(refusal)) break;
  }
  throw new Error(`no network for ${name}: ${refusal}`);
}

async function connectMirror(network: LabNetwork): Promise<void> {
  const template = `{{with index .NetworkSettings.Networks "${network.id}"}}connected{{end}}`;
  const state = await run`docker inspect --format ${template} ${MIRROR_CONTAINER}`;
  if (state.stdout.trim() === 'connected') return;
  await run`docker network connect --ip ${network.mirror} ${network.id} ${MIRROR_CONTAINER}`;
}

function describe(name: string, subnet: string): LabNetwork {
  const prefix = subnet.split('.').slice(0, 3).join('.');
  return { name, id: networkId(name), prefix, mirror: `${prefix}.2` };
}
