import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { System } from '../lab/index.js';
import type { ClusterContender, Site } from './contenders/contender.js';
import { CONTENDERS, type ContenderName, contenderTitle } from './contenders/names.js';
import { freshHosts } from './hosts/cluster-hosts.js';
import { verifyCluster } from './hosts/verify.js';
import type { Finished } from './lib/child.js';
import { assertUninterrupted } from './lib/interrupt.js';
import { type Failure, isSample, type Sample, type Series } from './lib/sample.js';

/** The parameter's value that clusters are made with. */
export const FIRST_WORK_MEM = '8MB';

/** What the measures of one run of the benchmark share. */
export class Bench {
  readonly os: System;
  /** How often each contender does each work. */
  readonly rounds: number;
  /** Numbers of hosts for the measure of width, in rising order. */
  readonly widths: readonly number[];
  /** Image of the hosts. */
  readonly image: string;
  /** Who makes clusters and can take part. */
  readonly clusterContenders: readonly ClusterContender[];
  /** Everybody who can take part. */
  readonly names: ReadonlySet<ContenderName>;
  readonly #sites = new Map<ContenderName, Site>();
  readonly #directories: string[] = [];

  constructor(options: Pick<Bench, 'os' | 'rounds' | 'widths' | 'image' | 'clusterContenders' | 'names'>) {
    this.os = options.os;
    this.rounds = options.rounds;
    this.widths = options.widths;
    this.image = options.image;
    this.clusterContenders = options.clusterContenders;
    this.names = options.names;
  }

  /** Says what goes on, on stderr. */
  say(text: string): void {
    process.stderr.write(`bench: ${text}\n`);
  }

  /** A new empty directory that is removed with the others at the end. */
  async directory(of: string): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), `pgprov-bench-${of}-`));
    this.#directories.push(directory);
    return directory;
  }

  /** Three fresh hosts and an empty directory for a contender; `names`: other hosts than these three. */
  async freshSite(of: string, names?: readonly string[]): Promise<Site> {
    return {
      hosts: await freshHosts(of, this.os, this.image, names),
      os: this.os,
      directory: await this.directory(of),
      workMem: FIRST_WORK_MEM,
    };
  }

  /**
   * The cluster that a contender keeps for measures of clusters that are there, made on first use.
   * @throws Error when the contender does not make it
   */
  async standingSite(contender: ClusterContender): Promise<Site> {
    const known = this.#sites.get(contender.name);
    if (known !== undefined) return known;
    this.say(`${contenderTitle(contender.name)} makes the cluster that it is then measured on`);
    const site = await this.freshSite(contender.name);
    assertDone(await contender.apply(site));
    await verifyCluster(site.hosts);
    // What only ever happens once after the first run is not what the second one is about.
    assertDone(await contender.apply(site));
    this.#sites.set(contender.name, site);
    return site;
  }

  /** Removes what belongs to this run on this machine. */
  async removeDirectories(): Promise<void> {
    await Promise.all(this.#directories.map((directory) => rm(directory, { recursive: true, force: true })));
  }

  /**
   * Lets the contenders do the same work in turn, A B C, A B C. What throws is a failed run and stops nothing.
   * @param point the condition, where a measure has several
   * @throws Error when somebody interrupts
   */
  async alternate<T extends { name: string }>(
    contenders: readonly T[],
    work: (contender: T, round: number) => Promise<Sample>,
    { rounds = this.rounds, point }: { rounds?: number; point?: string } = {},
  ): Promise<Series[]> {
    const series = contenders.map(({ name }): Series => ({ contender: name, ...(point === undefined ? {} : { point }), runs: [] }));
    for (let round = 0; round < rounds; round++) {
      for (const [index, contender] of contenders.entries()) {
        assertUninterrupted();
        const run = await work(contender, round).catch(
          (error: unknown): Failure => ({ failed: String(error instanceof Error ? error.message : error) }),
        );
        assertUninterrupted();
        series[index]?.runs.push(run);
        const place = [`round ${round + 1}/${rounds}`, ...(point === undefined ? [] : [point])].join(', ');
        this.say(
          `${place}, ${contender.name in CONTENDERS ? contenderTitle(contender.name) : contender.name}: ${isSample(run) ? `${run.seconds.toFixed(2)} s` : `FAILED: ${run.failed}`}`,
        );
      }
    }
    return series;
  }
}

/** @throws Error with the last words of a run that did not end well */
export function assertDone(run: Finished): Sample {
  const { code, all, seconds, cpu, peak } = run;
  if (code !== 0) throw new Error(`exit code ${code}: ${all.trim().split('\n').slice(-12).join(' / ')}`);
  return { seconds, cpu, peak };
}
