import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, etcdctl, must, sql } from '../integration/support/outside.js';
import { start, type Finished, type Running } from '../integration/support/pgprov.js';
import { withClient, WrittenCluster } from '../integration/support/written-cluster.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';
import type { Writer } from '../walk/writer.js';

const ETCD_PEERS = 2380;

/** A rule of the host's routing, which drops what the host sends; so others get no answer from it either. */
type Rule = string;

const PEER_TRAFFIC: readonly Rule[] = ['dport', 'sport'].map((side) => `ipproto tcp ${side} ${ETCD_PEERS} blackhole`);
const toHosts = (hosts: readonly LabHost[]): Rule[] => hosts.map(({ address }) => `to ${address} blackhole`);

async function drop(host: LabHost, rules: readonly Rule[]): Promise<void> {
  await must(host, rules.map((rule) => `ip rule add priority 100 ${rule}`).join(' && '));
}

async function heal(host: LabHost): Promise<void> {
  await must(host, 'while ip rule del priority 100 2>/dev/null; do :; done');
}

/** Counts servers that take writes, again and again, by asking all hosts side by side. */
class Primaries {
  /** Hosts that were primaries in the same look, the most of them. */
  most: string[] = [];
  #stopped = false;
  readonly #loop: Promise<void>;

  constructor(hosts: readonly LabHost[]) {
    this.#loop = this.#watch(hosts);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
  }

  async #watch(hosts: readonly LabHost[]): Promise<void> {
    while (!this.#stopped) {
      const answers = await Promise.all(hosts.map((host) => sql(host, 'select pg_is_in_recovery()').catch(() => 'down')));
      const primaries = hosts.filter((_, index) => answers[index] === 'f').map(({ name }) => name);
      if (primaries.length > this.most.length) this.most = primaries;
      await new Promise((resolve) => setTimeout(resolve, 2000));
    }
  }
}

describe('apply, while the network between members fails and a client writes', () => {
  let written: WrittenCluster | undefined;
  let cluster: TestCluster;
  let writer: Writer;
  let primaries: Primaries;
  let pg1: LabHost;
  let pg2: LabHost;
  let pg3: LabHost;
  let heartbeat = 100;

  let parameters = {};

  /** Synchronous, because a failover may lose commits otherwise. */
  const sections = (): Record<string, Record<string, unknown>> => ({
    postgresql: { parameters },
    patroni: { synchronous_mode: true },
    etcd: { heartbeat_interval: heartbeat, election_timeout: 10 * heartbeat },
  });
  const write = (): Promise<string> => cluster.write(withClient(sections()));

  /** Asks in the inventory for another heartbeat, which takes a restart of each member of etcd. */
  async function askForRestarts(): Promise<void> {
    heartbeat += 5;
    await write();
  }

  const starts = (...hosts: LabHost[]): Promise<string[]> =>
    Promise.all(hosts.map((host) => must(host, 'systemctl show -P ExecMainStartTimestampMonotonic etcd')));
  const heartbeats = (): Promise<string[]> =>
    Promise.all(
      cluster.hosts.map((host) =>
        must(host, "tr '\\0' '\\n' </proc/$(systemctl show -P MainPID etcd)/environ | sed -n 's/^ETCD_HEARTBEAT_INTERVAL=//p'"),
      ),
    );
  const health = (host: LabHost): Promise<string> => etcdctl(host, 'endpoint health').catch((error: Error) => error.message);

  async function expectCutOff(host: LabHost): Promise<void> {
    await expect.poll(() => health(host), { timeout: patience(60_000) }).toMatch(/unhealthy/u);
  }

  /** An apply during which a host is cut off: its files are written, and no member has restarted. */
  async function cutDuring(cut: { host: LabHost; rules: readonly Rule[]; then?: (run: Running) => Promise<void> }): Promise<Finished> {
    const run = start(['apply', cluster.file, '--yes']);
    await run.printed(new RegExp(`${cut.host.name}\\s+etcd/configure`, 'u'));
    await drop(cut.host, cut.rules);
    await cut.then?.(run);
    return run.finished;
  }

  /** The run was refused because pg1 is cut off. */
  function expectRefused(code: number | null, all: string): void {
    expect(code, all).toBe(4);
    expect(all).toMatch(/pg1 is not healthy: a restart of etcd here would leave 1 of 3 members, and a quorum needs 2/u);
    expect(all).toContain('→ see the journal of etcd on pg1 and the network between the members, and run it again when all are healthy');
    expect(all).toMatch(/pg1\s+etcd\/start\s+skipped: pg[23] failed, and two members are never down at once/u);
  }

  beforeAll(async () => {
    written = await WrittenCluster.start(sections());
    ({ cluster, writer } = written);
    [pg1, pg2, pg3] = cluster.hosts as [LabHost, LabHost, LabHost];
    primaries = new Primaries(cluster.hosts);
  });

  afterAll(async () => {
    await primaries?.stop();
    await written?.remove();
  });

  // However the run ended: with the network back the same command finishes, and nothing that was acknowledged is gone.
  afterEach(async () => {
    await Promise.all(cluster.hosts.map(heal));
    const healthy = async (): Promise<boolean[]> => (await Promise.all(cluster.hosts.map(health))).map((said) => /is healthy/u.test(said));
    await expect.poll(healthy, { timeout: patience(60_000) }).toEqual([true, true, true]);
    const states = async (): Promise<string[]> => (await describeMembers(pg2)).map((line) => line.slice('pgN '.length)).sort();
    await expect
      .poll(states, { timeout: patience(120_000) })
      .toEqual(['Leader running', 'Sync Standby streaming', 'Replica streaming'].sort());
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(0);
    expect((await cluster.run('apply')).all).toContain('No changes');
    expect(await heartbeats()).toEqual(cluster.hosts.map(() => String(heartbeat)));
    const before = writer.acknowledged.length;
    await expect.poll(() => writer.acknowledged.length, { timeout: patience(30_000) }).toBeGreaterThan(before);
    expect(await writer.lost([])).toEqual([]);
    expect(primaries.most.length, primaries.most.join(', ')).toBe(1);
  }, patience(300_000));

  it('changes nothing when an etcd member was cut off before, and names the port', async () => {
    const before = await starts(pg1, pg2, pg3);
    await drop(pg1, PEER_TRAFFIC);
    await expectCutOff(pg1);
    await askForRestarts();
    const run = await cluster.run('apply');
    expect(run.code, run.all).toBe(1);
    for (const from of ['pg2', 'pg3'])
      expect(run.all).toContain(`${from}  failed: pg1 (${pg1.address}) port ${ETCD_PEERS} does not answer (filtered?)`);
    expect(run.all).toContain('Nothing was changed.');
    expect(await starts(pg1, pg2, pg3)).toEqual(before);
    expect(await describeMembers(pg2)).toContain('pg1 Leader running');
  });

  it('restarts no member while another, whose turn comes later, is cut off', async () => {
    const before = await starts(pg1, pg2, pg3);
    await askForRestarts();
    const { code, all } = await cutDuring({ host: pg1, rules: PEER_TRAFFIC });
    expectRefused(code, all);
    expect(await starts(pg1, pg2, pg3)).toEqual(before);
    expect(await describeMembers(pg2)).toContain('pg1 Leader running');
  });

  it('waits for a member that is cut off while it restarts, and continues when the network is back', async () => {
    const before = await starts(pg1, pg3);
    await askForRestarts();
    const { code, all } = await cutDuring({
      host: pg2,
      rules: PEER_TRAFFIC,
      then: async (run) => {
        await run.printed(/pg2\s+etcd\/start\s+waiting until etcd on pg2 is healthy in its quorum/u);
        await expectCutOff(pg2);
        expect(await starts(pg1, pg3)).toEqual(before);
        await heal(pg2);
      },
    });
    expect(code, all).toBe(0);
  });

  it('gives up on a member that stays cut off after its restart, and restarts no other', async () => {
    const before = await starts(pg1, pg3);
    await askForRestarts();
    const { code, all } = await cutDuring({ host: pg2, rules: PEER_TRAFFIC });
    expect(code, all).toBe(1);
    expect(all).toMatch(
      /pg2\s+etcd\/start\s+failed: gave up after \d+ s waiting until etcd on pg2 is healthy in its quorum: not healthy: /u,
    );
    for (const host of ['pg1', 'pg3'])
      expect(all).toContain(`${host}  etcd/start  skipped: pg2 failed, and two members are never down at once`);
    expect(await starts(pg1, pg3)).toEqual(before);
  });

  it('does not report a change as done while a standby is cut off from all others, and names it', async () => {
    parameters = { work_mem: '11MB' };
    await write();
    const run = start(['apply', cluster.file, '--yes']);
    await run.printed(/^plan: /mu);
    await drop(pg3, toHosts([pg1, pg2]));
    const { code, all } = await run.finished;
    expect(code, all).toBe(1);
    // Where it has taken the setting before, the end of the run tells that it is cut off.
    expect(all).toMatch(/^Failed: .*pg3/mu);
    expect(await describeMembers(pg2)).toContain('pg1 Leader running');
  });

  it('takes no second member down when the leader is cut off from all others and another one leads', async () => {
    const before = await starts(pg1, pg2, pg3);
    await askForRestarts();
    const { code, all } = await cutDuring({ host: pg1, rules: toHosts([pg2, pg3]) });
    expectRefused(code, all);
    expect(await starts(pg1, pg2, pg3)).toEqual(before);
    await expect
      .poll(() => Promise.all([pg2, pg3].map((host) => sql(host, 'select pg_is_in_recovery()'))), { timeout: patience(90_000) })
      .toContain('f');
  });
});
