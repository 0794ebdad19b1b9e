import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stringify } from 'yaml';
import { ensurePackages, labInventory, type LabHost, removeLab, restoreCluster, startHosts, type System } from '../../lab/index.js';
import { journalFile, runIds } from '../../../src/store/journal.js';
import { storeDirectory } from '../../../src/store/store.js';
import { sample } from '../../support/depth.js';
import { assertDocumented } from '../../support/json-lines.js';
import { appliedLines, assertAsPlanned, plannedLines } from './as-planned.js';
import { expectNoFalseAlarm } from './false-alarm.js';
import { pgprov, type Finished } from './pgprov.js';

type Mapping = Record<string, unknown>;

/** How far hosts have come when a test gets them: nothing, or with all packages, as pgprov installed them and nothing after it. */
export type HostStage = 'bare' | 'packages';

/** Of so many applies of a test file one is planned before; in the matrix all are. */
const AMONG = 3;

/** Hosts of one lab network and the inventory that describes them. */
export class TestCluster {
  /** Name of the network. */
  readonly name: string;
  readonly hosts: LabHost[];
  readonly directory: string;
  /** What the first host runs, and the others unless the cluster is a mixed one. */
  readonly os: System;
  readonly #removeHosts: () => Promise<void>;
  #applies = 0;

  private constructor(hosts: LabHost[], directory: string, removeHosts: () => Promise<void>) {
    const [first] = hosts as [LabHost];
    this.name = first.network;
    this.os = first.os;
    this.hosts = hosts;
    this.directory = directory;
    this.#removeHosts = removeHosts;
  }

  /** Starts `count` hosts pg1, pg2, … in a network of their own; bare ones are for tests of installing. */
  static start(name: string, os: System, count = 3, stage: HostStage = 'bare'): Promise<TestCluster> {
    return TestCluster.startMixed(
      name,
      Array.from({ length: count }, () => os),
      stage,
    );
  }

  /** The same with a directory that all of them have in common, at that path. */
  static startSharing(shared: string, name: string, os: System, count = 3): Promise<TestCluster> {
    return TestCluster.startMixed(
      name,
      Array.from({ length: count }, () => os),
      'packages',
      shared,
    );
  }

  /** The same with a system for each host. */
  static async startMixed(name: string, systems: readonly System[], stage: HostStage = 'bare', shared?: string): Promise<TestCluster> {
    await removeLab(name);
    const images = new Map<System, string>();
    if (stage === 'packages') for (const os of new Set(systems)) images.set(os, await ensurePackages(os));
    const requests = systems.map((os, index) => {
      const image = images.get(os);
      const own = { ...(image === undefined ? {} : { image }), ...(shared === undefined ? {} : { shared }) };
      return { name: `pg${index + 1}`, os, network: name, ...own };
    });
    return TestCluster.#of(await startHosts(requests), () => removeLab(name));
  }

  /** A cluster of three as pgprov's apply left it, with its passwords and keys: pg1 leads, pg2 and pg3 stream. */
  static async converged(os: System = 'debian13'): Promise<TestCluster> {
    const { hosts, store, remove } = await restoreCluster(os);
    const cluster = await TestCluster.#of(hosts, remove);
    await cp(store, join(cluster.directory, '.pgprov'), { recursive: true });
    return cluster;
  }

  static async #of(hosts: LabHost[], removeHosts: () => Promise<void>): Promise<TestCluster> {
    const [first] = hosts as [LabHost];
    const directory = await mkdtemp(join(tmpdir(), `pgprov-${first.network}-`));
    const cluster = new TestCluster(hosts, directory, removeHosts);
    await cluster.write();
    return cluster;
  }

  /** The inventory file. */
  get file(): string {
    return join(this.directory, 'inventory.yml');
  }

  /** The host of that name. */
  host(name: string): LabHost {
    const host = this.hosts.find((candidate) => candidate.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    return host;
  }

  /** Writes the inventory: what every lab needs, with `changes` over it, section by section. */
  async write(changes: Mapping = {}, file: string = this.file): Promise<string> {
    const base = await labInventory(this.hosts);
    const merged: Mapping = { ...base };
    for (const [key, value] of Object.entries(changes)) {
      const below = merged[key];
      merged[key] = isMapping(below) && isMapping(value) ? { ...below, ...value } : value;
    }
    await writeFile(file, stringify(merged));
    return file;
  }

  /**
   * Runs a command of pgprov on the inventory. Before an apply that has its turn it is planned, and what is done must be what was planned.
   * The plan's JSON lines and the apply's journal must be as they are documented.
   */
  async run(command: string, ...args: string[]): Promise<Finished> {
    if (command !== 'apply') return pgprov(command, this.file, ...args);
    const plan = this.#isPlanned() ? await pgprov('plan', this.file, '--output', 'json', ...args) : undefined;
    const apply = await pgprov('apply', this.file, '--yes', ...args);
    if (plan?.code === 0 && apply.code === 0) assertAsPlanned(plannedLines(plan.stdout), appliedLines(apply.stdout));
    const store = storeDirectory(this.directory, 'demo');
    const journals = await Promise.all(
      runIds(store)
        .slice(-1)
        .map((id) => readFile(journalFile(store, id), 'utf8')),
    );
    for (const lines of [plan?.stdout ?? '', ...journals].filter((text) => text !== '')) assertDocumented(lines);
    return apply;
  }

  /** The first apply is, and of the others those that the seed chooses; all are where no test file runs, as in a walk by hand. */
  #isPlanned(): boolean {
    const number = this.#applies;
    this.#applies += 1;
    const file = expect.getState().testPath?.split('/').at(-1);
    const turns = Array.from({ length: AMONG }, (_, turn) => turn);
    return number === 0 || file === undefined || sample(turns, 1, `planned ${file} ${number}`).includes(0);
  }

  /** A password that pgprov made, by its path. */
  async password(path: string): Promise<string> {
    const { parse } = await import('yaml');
    const text = await readFile(join(this.directory, '.pgprov', 'demo', 'passwords.yml'), 'utf8');
    return (parse(text) as Record<string, string>)[path] ?? '';
  }

  /** Removes hosts and inventory. Before that doctor is asked about a cluster that is healthy: it must find nothing. */
  async remove(): Promise<void> {
    try {
      await expectNoFalseAlarm(expect.getState().testPath?.split('/').at(-1) ?? '', this.file);
    } finally {
      await this.#removeHosts();
      await rm(this.directory, { recursive: true, force: true });
    }
  }
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
