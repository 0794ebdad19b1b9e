import { rm } from 'node:fs/promises';

import { spending } from '../support/spent.js';
import { type ContainerPlan, startContainer } from './container.js';
import { ensureEngine } from './engine.js';
import { LabHost } from './host.js';
import { ensureImage, imageOf } from './images.js';
import { ensureKeys } from './keys.js';
import { withLock } from './lock.js';
import { ensureMirror } from './mirror.js';
import { ensureNetwork, freeAddress, networkId, networkNames, releaseAddress, removeNetwork } from './network.js';
import { inLab, LAB_ID } from './paths.js';
import { attempt, run, say } from './process.js';
import { type System, SYSTEM_NAMES } from './systems.js';
/** What a new test host shall be. */
export interface HostRequest {
  /** Host name, unique within its network. */
  name: string;
  os: System;
  /** Network to put it in; hosts of different networks do not see each other. */
  network?: string;
  /** The image to start, in place of the bare one of its system. */
  image?: string;
  /** More labels for the container. */
  labels?: Record<string, string>;
  /** Where it has mounted the directory that all such hosts of its network share, as from a server for files. */
  shared?: string;
}

const HOST_NAME = /^[a-z0-9]([a-z0-9-]{0,40}[a-z0-9])?$/;

/** The network of hosts that asked for none. */
export const DEFAULT_NETWORK = 'demo';

/** Brings up all that hosts need: the engine, the images of the given systems, and the package mirror. */
export function ensureLab(systems: readonly System[] = SYSTEM_NAMES): Promise<void> {
  return spending('images', () => bringUp(systems));
}

async function bringUp(systems: readonly System[]): Promise<void> {
  await ensureEngine();
  await withLock('keys', ensureKeys);
  // Each behind a lock of its own, so that nobody waits for the image of a system that he has no host of.
  const builds = await Promise.allSettled(systems.map((system) => withLock(`image-${system}`, () => ensureImage(system))));
  for (const build of builds) if (build.status === 'rejected') throw build.reason;
  await withLock('mirror', async () => {
    if (await ensureMirror()) for (const name of await networkNames()) await ensureNetwork(name);
  });
}

/** Starts one test host and waits until it is up. */
export async function startHost(request: HostRequest): Promise<LabHost> {
  const [host] = await startHosts([request]);
  return host as LabHost;
}

/** Starts test hosts side by side and waits until all are up; when one fails, all of them are removed. */
export async function startHosts(requests: readonly HostRequest[]): Promise<LabHost[]> {
  await ensureLab([...new Set(requests.map((request) => request.os))]);
  const plans: ContainerPlan[] = [];
  // One after another, because they share networks and addresses.
  for (const request of requests) plans.push(await plan(request));
  const starts = await Promise.allSettled(plans.map(launch));
  const failed = starts.find((start) => start.status === 'rejected');
  const hosts = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []));
  if (failed === undefined) return hosts;
  await Promise.all(hosts.map((host) => host.remove()));
  throw failed.reason;
}

/** The hosts of one network, or of all, as far as their containers exist; a stopped host is among them. */
export async function findHosts(network?: string): Promise<LabHost[]> {
  const filters = [
    `label=pgprov.lab=${LAB_ID}`,
    'label=pgprov.lab.role=host',
    ...(network === undefined ? [] : [`label=pgprov.lab.network=${network}`]),
  ];
  const fields = ['name', 'os', 'network', 'address'].map((field) => `{{.Label "pgprov.lab.${field}"}}`);
  const listing =
    await run`docker ps --all ${filters.flatMap((filter) => ['--filter', filter])} --format ${[...fields, '{{.Names}}'].join('\t')}`;
  return listing.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [name = '', os = '', inNetwork = '', address = '', container = ''] = line.split('\t');
      return new LabHost({ name, os: os as System, network: inNetwork, address, container });
    })
    .sort((a, b) => `${a.network}/${a.name}`.localeCompare(`${b.network}/${b.name}`, 'en', { numeric: true }));
}

/** Removes the hosts of a network, what else the lab has started in it, and the network itself. */
export async function removeLab(network: string): Promise<void> {
  const hosts = await findHosts(network);
  await Promise.all(hosts.map((host) => host.remove()));
  const others = ['--filter', `label=pgprov.lab=${LAB_ID}`, '--filter', `label=pgprov.lab.network=${network}`];
  const left = (await run`docker ps --all --quiet ${others}`).stdout.split('\n').filter((id) => id !== '');
  if (left.length > 0) await attempt`docker rm --force --volumes ${left}`;
  await removeNetwork(network);
  for (const folder of [inLab('networks', network), sharedFolder(network)]) await rm(folder, { recursive: true, force: true });
}

/** Removes every network and host of this lab; images and the mirror stay for the next time. */
export async function removeAllLabs(): Promise<void> {
  const names = new Set([...(await networkNames()), ...(await findHosts()).map((host) => host.network)]);
  for (const name of names) await removeLab(name);
}

function sharedFolder(network: string): string {
  return inLab('shared', network);
}

async function plan({ name, os, network: networkName = DEFAULT_NETWORK, image, labels = {}, shared }: HostRequest): Promise<ContainerPlan> {
  if (!HOST_NAME.test(name)) throw new Error(`"${name}" is no name for a host: lower-case letters, digits and dashes, please`);
  const network = await ensureNetwork(networkName);
  const container = `${networkId(networkName)}-${name}`;
  if ((await attempt`docker container inspect ${container}`).exitCode === 0) throw new Error(`${networkName} has a host ${name} already`);
  const mounts = shared === undefined ? [] : [{ source: sharedFolder(networkName), target: shared }];
  return { container, image: image ?? (await imageOf(os)), name, os, network, address: await freeAddress(network), labels, mounts };
}

async function launch(container: ContainerPlan): Promise<LabHost> {
  const { name, network, address } = container;
  const host = new LabHost({ ...container, network: network.name });
  try {
    await startContainer(container);
    if ((await host.ready()) === 'degraded') say(`${name}: systemd reports failed units`);
    return host;
  } catch (error) {
    await host.remove();
    throw error;
  } finally {
    releaseAddress(address);
  }
}
