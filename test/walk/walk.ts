import { TestCluster } from '../integration/support/cluster.js';
import { controldata, describeMembers, sql } from '../integration/support/outside.js';
import { patience } from '../support/patience.js';
import { WalkingInventory } from './inventory.js';
import { Random } from './random.js';
import { losePower, STEPS } from './steps.js';
import { Writer } from './writer.js';

/** How long a walk is, and where it goes. */
export interface WalkOptions {
  seed: number;
  /** Ends after so many steps. Default: never. */
  steps?: number;
  /** Begins no step after so many milliseconds. Default: never. */
  ms?: number;
  /** Told a line for each step. */
  say(line: string): void;
}

const PASSWORD = 'walking-client-4711';

/**
 * A cluster that random things happen to while a client writes. After each of them an apply is to put everything right, and
 * then these hold: no acknowledged row is gone that PostgreSQL kept, all hosts have one system identifier, one member
 * leads, what was planned was done, and a second apply changes nothing. At the end all hosts lose their power and come back as the same
 * cluster.
 */
export class Walk {
  readonly random: Random;
  readonly inventory: WalkingInventory;
  readonly cluster: TestCluster;
  /** Times in which rows may have been acknowledged that a crash of the leader takes away. */
  readonly doubts: { from: number; to: number }[] = [];
  readonly #identifier: string;
  readonly #writer: Writer;
  readonly #options: WalkOptions;

  private constructor(
    cluster: TestCluster,
    inventory: WalkingInventory,
    random: Random,
    identifier: string,
    writer: Writer,
    options: WalkOptions,
  ) {
    this.cluster = cluster;
    this.inventory = inventory;
    this.random = random;
    this.#identifier = identifier;
    this.#writer = writer;
    this.#options = options;
  }

  /** Walks to the end. @throws Error with the seed and the step after which something did not hold */
  static async run(options: WalkOptions): Promise<void> {
    const random = new Random(options.seed);
    const cluster = await TestCluster.converged();
    let walk: Walk | undefined;
    try {
      const inventory = new WalkingInventory(random, 'host postgres walker 0.0.0.0/0 scram-sha-256');
      await cluster.write(inventory.sections());
      expectCode(0, await cluster.run('apply'));
      const [pg1] = cluster.hosts;
      if (pg1 === undefined) throw new Error('the cluster has no host');
      await sql(pg1, `CREATE ROLE walker LOGIN PASSWORD '${PASSWORD}'; GRANT CREATE ON SCHEMA public TO walker`);
      const writer = await Writer.start({ addresses: cluster.hosts.map(({ address }) => address), user: 'walker', password: PASSWORD });
      walk = new Walk(cluster, inventory, random, await controldata(pg1, 'Database system identifier'), writer, options);
      await walk.#go();
    } finally {
      if (walk !== undefined) await walk.#writer.stop();
      await cluster.remove();
    }
  }

  async #go(): Promise<void> {
    const { seed, steps = Infinity, ms = Infinity, say } = this.#options;
    const began = Date.now();
    const weighted = STEPS.flatMap((step) => Array.from({ length: step.weight ?? 1 }, () => step));
    let number = 0;
    while (number < steps && Date.now() - began < ms) {
      number++;
      const step = this.random.pick(weighted);
      let took = step.name;
      try {
        took = `${step.name}: ${await step.take(this)}`;
        await this.#settle();
      } catch (error) {
        throw new Error(`seed ${seed}, step ${number}, ${took}\n${error instanceof Error ? error.message : String(error)}`);
      }
      say(`${number}. ${took}; ${this.#writer.acknowledged.length} rows, at most ${(this.#writer.longestGap / 1000).toFixed(1)} s apart`);
    }
    await losePower(this, this.cluster.hosts, 0);
    await this.#whole();
    await this.#holds();
    say(`after a power cycle of all hosts: the same cluster, ${this.#writer.acknowledged.length} rows`);
  }

  /** Whatever happened, an apply puts it right, and a second one finds nothing to do. */
  async #settle(): Promise<void> {
    expectCode(0, await this.cluster.run('apply'));
    await this.#whole();
    const second = await this.cluster.run('apply');
    expectCode(0, second);
    if (!second.all.includes('No changes')) throw new Error(`a second apply changed something:\n${second.all}`);
    await this.#holds();
  }

  /** Waits until one member leads and the others stream. */
  async #whole(): Promise<void> {
    const [pg1] = this.cluster.hosts;
    const end = Date.now() + patience(120_000);
    for (;;) {
      const members = pg1 === undefined ? [] : await describeMembers(pg1).catch((): string[] => []);
      const states = members
        .map((line) => line.slice('pgN '.length))
        .sort()
        .join(', ');
      if (states === 'Leader running, Replica streaming, Replica streaming') return;
      if (Date.now() > end) throw new Error(`the cluster is not whole again: ${members.join(', ')}`);
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  async #holds(): Promise<void> {
    const { hosts } = this.cluster;
    const identifiers = await Promise.all(hosts.map((host) => controldata(host, 'Database system identifier')));
    if (identifiers.some((each) => each !== this.#identifier))
      throw new Error(`the hosts hold ${identifiers.join(', ')}, and held ${this.#identifier}`);
    const recovering = await Promise.all(hosts.map((host) => sql(host, 'SELECT pg_is_in_recovery()')));
    if (recovering.filter((each) => each === 'f').length !== 1)
      throw new Error(`not one primary: pg_is_in_recovery() is ${recovering.join(', ')}`);
    const lost = await this.#writer.lost(this.doubts);
    if (lost.length > 0) throw new Error(`${lost.length} acknowledged rows are gone, the first with id ${lost[0]}`);
  }
}

function expectCode(wanted: number, { code, all }: { code: number | null; all: string }): void {
  if (code !== wanted) throw new Error(`pgprov ended with ${code}, not ${wanted}:\n${all}`);
}
