import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';

import { Secret } from '../../../src/lib/secret.js';
import { wakeMember } from '../../../src/resources/patroni/config.js';
import { spending } from '../../support/spent.js';
import type { LabHost } from '../host.js';
import { hasImage } from '../image-store.js';
import { labInventory } from '../inventory.js';
import { ensureLab, removeLab, startHosts } from '../lab.js';
import { ensureNetwork } from '../network.js';
import { inLab } from '../paths.js';
import { say } from '../process.js';
import type { System } from '../systems.js';
import { patience } from '../../support/patience.js';
import { freeze, release } from './freeze.js';
import { ensurePackages } from './packages.js';
import { productDigest, runProduct } from './product.js';
import { takeSlot, type Slot } from './slots.js';

/** Their order is that of the inventory, so the first one leads. */
const NAMES = ['pg1', 'pg2', 'pg3'];

/** Patroni's unit has the same name on every system. */
const PATRONI = 'patroni';

/** A cluster of three that pgprov made, running again. */
export interface RestoredCluster {
  hosts: LabHost[];
  /** The directory `.pgprov` of its inventory. */
  store: string;
  /** Removes its hosts. */
  remove(): Promise<void>;
}

/** What is kept of a cluster beside the images of its hosts. */
interface Kept {
  /** The image that its hosts were made from. */
  packages: string;
  subnet: string;
  /** Digests of the builds of pgprov whose plan has nothing to change on it, the one that made it first. */
  products: string[];
}

/**
 * Puts a converged cluster back: pg1 leads, pg2 and pg3 stream, with the addresses, keys and passwords it was made with. It is
 * made by pgprov's own apply unless it is there; one that another build made serves where this build's plan has nothing to change.
 */
export async function restoreCluster(os: System): Promise<RestoredCluster> {
  await ensureLab([os]);
  const slot = await takeSlot();
  const cluster = new KeptCluster(os, slot, await ensurePackages(os), await productDigest());
  try {
    await removeLab(slot.network);
    let hosts = await cluster.boot();
    if (hosts === undefined) {
      await spending('images', () => cluster.make());
      hosts = await cluster.boot();
    }
    if (hosts === undefined) throw new Error(`the cluster that pgprov just made on ${os} is not what it plans`);
    return {
      hosts,
      store: cluster.store,
      remove: async () => {
        await removeLab(slot.network);
        await slot.free();
      },
    };
  } catch (error) {
    await removeLab(slot.network);
    await slot.free();
    throw error;
  }
}

class KeptCluster {
  readonly #os: System;
  readonly #slot: Slot;
  readonly #packages: string;
  readonly #product: string;
  readonly #folder: string;

  constructor(os: System, slot: Slot, packages: string, product: string) {
    this.#os = os;
    this.#slot = slot;
    this.#packages = packages;
    this.#product = product;
    this.#folder = inLab('clusters', `${os}-${slot.number}`);
  }

  /** The directory `.pgprov` that it was made with. */
  get store(): string {
    return join(this.#folder, '.pgprov');
  }

  /** Starts it; undefined where none is kept, its addresses are taken, or pgprov would change something on it. */
  async boot(): Promise<LabHost[] | undefined> {
    const kept = await this.#kept();
    if (kept === undefined) return undefined;
    if ((await ensureNetwork(this.#slot.network, kept.subnet).catch(() => undefined)) === undefined) return undefined;
    const hosts = await startHosts(NAMES.map((name) => ({ name, os: this.#os, network: this.#slot.network, image: this.#image(name) })));
    await spending('waiting', () => this.#converge(hosts));
    if (kept.products.includes(this.#product)) return hosts;
    if (await this.#planIsEmpty(hosts)) {
      await this.#keep({ ...kept, products: [...kept.products, this.#product] });
      return hosts;
    }
    await removeLab(this.#slot.network);
    return undefined;
  }

  /** Has pgprov make it, and keeps it switched off. */
  async make(): Promise<void> {
    const { network: name } = this.#slot;
    say(`letting pgprov make a cluster of three on ${this.#os}`);
    await removeLab(name);
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true });
    const hosts = await startHosts(NAMES.map((host) => ({ name: host, os: this.#os, network: name, image: this.#packages })));
    const file = join(this.#folder, 'inventory.yml');
    await writeFile(file, stringify(await labInventory(hosts)));
    const run = await runProduct(['apply', file, '--yes']);
    if (run.code !== 0) throw new Error(`pgprov could not make a cluster on ${this.#os}:\n${run.stdout}${run.stderr}`);

    const { prefix } = await ensureNetwork(name);
    // The leader last, so that nobody else is promoted; etcd once nobody needs it.
    for (const host of [...hosts].reverse()) await stopUnit(host, PATRONI);
    await Promise.all(hosts.map((host) => stopUnit(host, 'etcd')));
    await Promise.all(
      hosts.map((host) => freeze(host, this.#image(host.name), { identity: 'same', hold: host.name === NAMES[0] ? [] : [PATRONI] })),
    );
    await removeLab(name);
    await this.#keep({ packages: this.#packages, subnet: `${prefix}.0/24`, products: [this.#product] });
  }

  /** The first leads as before, for the others do not run Patroni until it does. */
  async #converge(hosts: readonly LabHost[]): Promise<void> {
    const [leader, ...replicas] = hosts as [LabHost, ...LabHost[]];
    await until(leader, '[ "$(curl -s -o /dev/null -w \'%{http_code}\' http://localhost:8008/leader)" = 200 ]');
    await Promise.all(replicas.map((host) => release(host, [PATRONI])));
    // A replica says that it streams when its loop comes round.
    const wake = await this.#wake(replicas);
    // Patroni 3.0 calls it running.
    const follows = `"role": "replica", "state": "${this.#os === 'debian12' ? 'running' : 'streaming'}"`;
    const streaming = `[ "$(curl -s http://localhost:8008/cluster | grep -o '${follows}' | wc -l)" = ${replicas.length} ]`;
    await until(leader, `{ ${streaming} || { sleep 0.5; ${wake}; false; }; }`);
  }

  /** A command that has these hosts' Patroni go through its loop now. */
  async #wake(hosts: readonly LabHost[]): Promise<string> {
    const passwords = parse(await readFile(join(this.store, 'demo', 'passwords.yml'), 'utf8')) as Record<string, string>;
    const password = new Secret(passwords['patroni.restapi_password'] ?? '');
    return hosts.map(({ address }) => wakeMember(`http://${address}:8008`, { user: 'patroni', password }).text).join('; ');
  }

  async #planIsEmpty(hosts: readonly LabHost[]): Promise<boolean> {
    const directory = await mkdtemp(join(tmpdir(), 'pgprov-cluster-'));
    try {
      await cp(this.store, join(directory, '.pgprov'), { recursive: true });
      const file = join(directory, 'inventory.yml');
      await writeFile(file, stringify(await labInventory(hosts)));
      return (await runProduct(['plan', file, '--detailed-exitcode'])).code === 0;
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async #kept(): Promise<Kept | undefined> {
    const text = await readFile(join(this.#folder, 'kept.json'), 'utf8').catch(() => undefined);
    const kept = text === undefined ? undefined : (JSON.parse(text) as Kept);
    if (kept?.packages !== this.#packages) return undefined;
    const images = await Promise.all(NAMES.map((name) => hasImage(this.#image(name))));
    return images.every(Boolean) ? kept : undefined;
  }

  #keep(kept: Kept): Promise<void> {
    return writeFile(join(this.#folder, 'kept.json'), JSON.stringify(kept));
  }

  #image(host: string): string {
    const [, tag = ''] = this.#packages.split(':');
    return `pgprov-lab/${this.#os}-slot${this.#slot.number}-${host}:${tag}`;
  }
}

async function stopUnit(host: LabHost, unit: string): Promise<void> {
  const { code, stderr } = await host.exec(`systemctl stop ${unit}`);
  if (code !== 0) throw new Error(`${host.name}: ${unit} did not stop: ${stderr}`);
}

/** Waits on a host until a command succeeds there. */
async function until(host: LabHost, condition: string, seconds = Math.ceil(patience(120))): Promise<void> {
  const { code } = await host.exec(
    `end=$(($(date +%s) + ${seconds})); until ${condition}; do [ "$(date +%s)" -lt "$end" ] || exit 1; sleep 0.2; done`,
  );
  if (code !== 0) throw new Error(`${host.name}: after ${seconds} s it is still not so that ${condition}`);
}
