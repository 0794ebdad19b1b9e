import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { DEPTH, sample } from '../support/depth.js';
import { longCase } from '../support/long-case.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { assertInForce, lifeOf, powerCycle, traces, type Life } from './support/living.js';
import { describeMembers, must } from './support/outside.js';
import { TRIALS, type Trial } from './support/variable-trials.js';

/** Those that were carried out once, with an outage at the next power failure. */
const SEEN = new Set(['postgresql.version', 'postgresql.name', 'postgresql.data_dir', 'postgresql.port', 'patroni.scope']);

const set = ({ variable, value }: Trial): string[] => ['--set', `${variable}=${value ?? ''}`];

describe(`a living cluster whose inventory changes (${DEPTH})`, () => {
  let cluster: TestCluster;
  let life: Life;
  const refused = sample(
    TRIALS.filter((trial) => trial.refused !== undefined),
    SEEN.size + 2,
    'refused',
    ({ variable }) => SEEN.has(variable),
  );
  const taken = sample(
    TRIALS.filter((trial) => trial.refused === undefined && (trial.query ?? trial.command) !== undefined),
    2,
    'taken',
  );

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    life = await lifeOf(cluster);
  });

  afterEach(() => cluster.write());

  afterAll(async () => {
    await cluster?.remove();
  });

  /** An apply that is refused with what each trial says, and with nothing else. */
  async function assertRefused(trials: readonly Trial[], sentences: readonly RegExp[]): Promise<void> {
    const before = await traces(cluster);
    const run = await cluster.run('apply', ...trials.flatMap(set));
    expect(run.code, run.all).toBe(4);
    for (const sentence of sentences) expect(run.all).toMatch(sentence);
    expect(run.all.match(/(?:error|failed): /gu)).toHaveLength(sentences.length);
    expect(await traces(cluster)).toEqual(before);
  }

  /** Another version has other directories, so where the data is says nothing then. */
  const apart = (trials: readonly Trial[]): Trial[][] => {
    const isPlace = ({ variable }: Trial): boolean => ['postgresql.version', 'postgresql.name', 'postgresql.data_dir'].includes(variable);
    return [trials.filter((trial) => !isPlace(trial)), ...trials.filter(isPlace).map((trial) => [trial])].filter((list) => list.length > 0);
  };

  it(`refuses a change of what is fixed, each with its own sentence: ${refused.map(({ variable }) => variable).join(', ')}`, async () => {
    for (const trials of apart(refused))
      await assertRefused(
        trials,
        trials.map(({ refused: sentence }) => sentence as RegExp),
      );
  });

  it('refuses another name or address for a host', async () => {
    const { address } = cluster.host('pg3');
    await writeFile(cluster.file, (await readFile(cluster.file, 'utf8')).replace(/^ {2}pg3:/mu, '  db3:'));
    await assertRefused([], [/db3\s+failed: the inventory calls this host db3, but its Patroni is the member pg3/u]);
    await cluster.write({ hosts: { pg3: { address, cluster_address: '10.99.0.3' } } });
    await assertRefused([], [/pg3\s+failed: cluster_address is 10\.99\.0\.3, but etcd’s list of members has the member at \d/u]);
  });

  it('refuses to take the role patroni from a member that runs', async () => {
    const { address } = cluster.host('pg3');
    await cluster.write({ hosts: { pg3: { address, roles: ['base', 'pgdg', 'etcd'] } } });
    await assertRefused([], [/pg3 has no role patroni \(\S+inventory\.yml:\d+\), but runs as a member of the cluster demo/u]);
  });

  it('does not start with a watchdog that is required and missing', async () => {
    const before = await traces(cluster);
    const run = await cluster.run('apply', '--set', 'patroni.watchdog=required', '--set', 'patroni.watchdog_device=/dev/watchdog7');
    expect(run.code, run.all).toBe(1);
    for (const name of ['pg1', 'pg2', 'pg3'])
      expect(run.all).toMatch(new RegExp(`${name}\\s+failed: patroni.watchdog is required, but there is no /dev/watchdog7`, 'u'));
    expect(await traces(cluster)).toEqual(before);
    expect(await lifeOf(cluster)).toEqual(life);
  });

  // Without a watchdog its device is written nowhere.
  const withDevice = taken.filter(({ variable }) => variable !== 'patroni.watchdog');
  const rounds =
    withDevice.length === taken.length ? [taken] : [withDevice, taken.filter(({ variable }) => variable !== 'patroni.watchdog_device')];
  it.each(rounds.map((trials) => [trials.map(({ variable }) => variable).join(', '), trials] as const))(
    'applies allowed changes as the plan says: %s',
    async (_names, trials) => {
      const plan = await cluster.run('plan', ...trials.flatMap(set));
      expect(plan.all).toMatch(/PostgreSQL keeps running on every member, and pg1 stays the leader/u);
      const run = await cluster.run('apply', ...trials.flatMap(set));
      expect(run.code, run.all).toBe(0);
      for (const trial of trials) await assertInForce(cluster, trial);
      expect(await lifeOf(cluster)).toEqual(life);
      const back = await cluster.run('apply');
      expect(back.code, back.all).toBe(0);
      expect(await lifeOf(cluster)).toEqual(life);
    },
  );

  it('refuses the same while the services are stopped, based on what ran last', async () => {
    for (const name of ['pg3', 'pg2', 'pg1']) await must(cluster.host(name), 'systemctl stop patroni');
    const before = await traces(cluster);
    const trials = (...variables: string[]): Trial[] => TRIALS.filter(({ variable }) => variables.includes(variable));
    for (const list of [trials('postgresql.data_dir'), trials('postgresql.name', 'postgresql.port', 'patroni.scope')]) {
      const run = await cluster.run('apply', ...list.flatMap(set));
      expect(run.code, run.all).toBe(4);
      for (const { variable } of list) expect(run.all).toContain(`pg1, pg2 and pg3: ${variable} is`);
    }
    expect(await traces(cluster)).toEqual(before);
  });

  it('is the same cluster after a power failure', async () => {
    await powerCycle(cluster);
    const { identifier, members } = await lifeOf(cluster);
    expect(identifier).toBe(life.identifier);
    expect(members).toHaveLength(3);
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect((await cluster.run('plan')).all).toContain('No changes.');
    expect((await describeMembers(cluster.host('pg1'))).filter((line) => line.includes(' Leader running'))).toHaveLength(1);
  });

  longCase(
    'a data directory that does not exist',
    'recovers with the old inventory after another run wrote a data directory that does not exist',
    async () => {
      for (const host of cluster.hosts) {
        await must(
          host,
          'sed -i \'s|^  data_dir: .*|  data_dir: "/srv/pg/main"|\' /etc/patroni/config.yml && mkdir -p /srv/pg && chown postgres /srv/pg && systemctl reload patroni',
        );
      }
      await Promise.all(cluster.hosts.map((host) => host.kill()));
      await Promise.all(cluster.hosts.map((host) => host.start()));
      // Each waits for a leader that nobody can be.
      for (const host of cluster.hosts) {
        const waits = async (): Promise<string> => (await host.exec('curl -s http://$(hostname -i):8008/patroni')).stdout;
        await expect.poll(waits, { timeout: patience(120_000) }).toMatch(/"state": "stopped", "role": "uninitialized"/u);
      }
      const run = await cluster.run('apply');
      expect(run.code, run.all).toBe(0);
      const { identifier, members } = await lifeOf(cluster);
      expect(identifier).toBe(life.identifier);
      expect(members.filter((line) => /Leader running|Replica streaming/u.test(line))).toHaveLength(3);
    },
  );
});
