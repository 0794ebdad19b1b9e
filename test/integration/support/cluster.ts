import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { type LabHost, publicKey, removeLab, sshSection, startHosts, type System, SYSTEMS } from '../../lab/index.js';
import { journalFile, runIds } from '../../../src/store/journal.js';
import { storeDirectory } from '../../../src/store/store.js';
import { insistDocumented } from '../../support/json-lines.js';
import { appliedLines, insistAsPlanned, plannedLines } from './as-planned.js';
import { pgprov, type Finished } from './pgprov.js';

type Mapping = Record<string, unknown>;

/** Hosts of one lab network and the inventory that describes them. */
export class TestCluster {
  readonly name: string;
  readonly hosts: LabHost[];
  readonly directory: string;
  /** What the first host runs, and the others unless the cluster is a mixed one. */
  readonly os: System;
  #fingerprint: string;

  private constructor(name: string, os: System, hosts: LabHost[], directory: string, fingerprint: string) {
    this.name = name;
    this.os = os;
    this.hosts = hosts;
    this.directory = directory;
    this.#fingerprint = fingerprint;
  }

  /** Starts `count` hosts pg1, pg2, … in a network of their own. */
  static start(name: string, os: System, count = 3): Promise<TestCluster> {
    return TestCluster.startMixed(name, Array.from({ length: count }, () => os));
  }

  /** The same with a system for each host. */
  static async startMixed(name: string, systems: readonly System[]): Promise<TestCluster> {
    await removeLab(name);
    const [os] = systems as [System];
    const hosts = await startHosts(systems.map((system, index) => ({ name: `pg${index + 1}`, os: system, network: name })));
    const directory = await mkdtemp(join(tmpdir(), `pgprov-${name}-`));
    const cluster = new TestCluster(name, os, hosts, directory, (await publicKey('pgdg')).fingerprint);
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
    const [first] = this.hosts as [LabHost];
    const base: Mapping = {
      cluster: 'demo',
      ssh: sshSection(first),
      hosts: Object.fromEntries(this.hosts.map(({ name, address }) => [name, address])),
      postgresql: { version: SYSTEMS[this.os].postgresql },
      pgdg: { key_fingerprint: this.#fingerprint },
    };
    const merged = { ...base };
    for (const [key, value] of Object.entries(changes)) {
      const below = merged[key];
      merged[key] = isMapping(below) && isMapping(value) ? { ...below, ...value } : value;
    }
    await writeFile(file, stringify(merged));
    return file;
  }

  /**
   * Runs a command of pgprov on the inventory. Before an apply it is planned, and what is done must be what was planned. The
   * plan's JSON lines and the apply's journal must be as they are documented.
   */
  async run(command: string, ...args: string[]): Promise<Finished> {
    if (command !== 'apply') return pgprov(command, this.file, ...args);
    const plan = await pgprov('plan', this.file, '--output', 'json', ...args);
    const apply = await pgprov('apply', this.file, '--yes', ...args);
    if (plan.code === 0 && apply.code === 0) insistAsPlanned(plannedLines(plan.stdout), appliedLines(apply.stdout));
    const store = storeDirectory(this.directory, 'demo');
    const journals = await Promise.all(runIds(store).slice(-1).map((id) => readFile(journalFile(store, id), 'utf8')));
    for (const lines of [plan.stdout, ...journals].filter((text) => text !== '')) insistDocumented(lines);
    return apply;
  }

  /** A password that pgprov made, by its path. */
  async password(path: string): Promise<string> {
    const { parse } = await import('yaml');
    const text = await readFile(join(this.directory, '.pgprov', 'demo', 'passwords.yml'), 'utf8');
    return (parse(text) as Record<string, string>)[path] ?? '';
  }

  async remove(): Promise<void> {
    await removeLab(this.name);
    await rm(this.directory, { recursive: true, force: true });
  }
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
