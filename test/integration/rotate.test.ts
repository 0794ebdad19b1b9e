import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastRun } from '../../src/store/run-record.js';
import { storeDirectory } from '../../src/store/store.js';
import type { LabHost } from '../lab/index.js';
import { DEPTH, sample } from '../support/depth.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { describeMembers, must, patronictl, shellWord, sql } from './support/outside.js';
import { pgprov, start, type Finished } from './support/pgprov.js';

const HOOK = fileURLToPath(new URL('support/interrupt.mjs', import.meta.url));

/** The event of patroni/start, as interrupt.mjs counts them, at which both standbys wait and the leader is about to change its role. */
const LEADER_IS_NEXT = 3;

/** Logs in to a server as the replication role, with nothing but .pgpass. */
const login = (address: string): string =>
  `runuser -u postgres -- psql -XAtwq -d ${shellWord(`host=${address} user=replicator dbname=replication replication=true connect_timeout=${patience(3)}`)} -c IDENTIFY_SYSTEM`;

describe('passwords of a running cluster (Debian 13)', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
  });
  afterAll(() => cluster?.remove());

  const rotate = (name: string, ...args: string[]): Promise<Finished> => pgprov('secrets', 'rotate', name, cluster.file, '--yes', ...args);
  const pending = (): boolean => existsSync(join(cluster.directory, '.pgprov', 'demo', 'password-rotation.yml'));

  /** How many events interrupt.mjs would count in patroni/start of the newest run. */
  const eventsOfLast = (): number =>
    (lastRun(storeDirectory(cluster.directory, 'demo'))?.events ?? []).filter(
      (event) => 'stage' in event && event.stage === 'patroni/start' && /^(?:chang|wait)/u.test(event.type),
    ).length;

  /** A rotation of the replication role's password that is killed at an event of patroni/start. */
  async function killedAt(nth: number): Promise<Finished> {
    const run = await start(['secrets', 'rotate', 'replication', cluster.file, '--yes', '--output', 'json'], {
      NODE_OPTIONS: `--import=${HOOK}`,
      INTERRUPT_AT: JSON.stringify([{ stage: 'patroni/start', moment: 'nth', nth }]),
    }).finished;
    expect(run.signal, `event ${nth}\n${run.all}`).toBe('SIGKILL');
    return run;
  }

  /** Events of an undisturbed rotation. */
  let count = 0;

  /** What must not change: when servers started, and since when each standby streams. */
  const connections = (): Promise<string[]> =>
    Promise.all([
      ...cluster.hosts.map((host) => sql(host, 'select pg_postmaster_start_time()')),
      sql(
        cluster.host('pg1'),
        "select string_agg(application_name || ' ' || backend_start, ', ' order by application_name) from pg_stat_replication where state = 'streaming'",
      ),
    ]);

  /** Pairs of members of which the one cannot log in to the other. */
  async function shutOut(): Promise<string[]> {
    const pairs = cluster.hosts.flatMap((from) => cluster.hosts.map((to) => ({ from, to })));
    const codes = await Promise.all(pairs.map(async ({ from, to }) => (await from.exec(login(to.address))).code));
    return pairs.flatMap(({ from, to }, index) => (codes[index] === 0 ? [] : [`${from.name} to ${to.name}`]));
  }

  /** Whether a server takes a password over the network. */
  async function takes(host: LabHost, user: string, password: string): Promise<boolean> {
    const { code } = await host.exec(`umask 077; f=$(mktemp); printf '%s\\n' ${shellWord(`*:*:*:*:${password}`)} >$f; chown postgres $f
runuser -u postgres -- env PGPASSFILE=$f psql -XAtwq -d ${shellWord(`host=${host.address} user=${user} dbname=replication replication=true`)} -c IDENTIFY_SYSTEM; s=$?; rm $f; exit $s`);
    return code === 0;
  }

  it('change under concurrent logins, without a restart or a lost connection, and the old one no longer logs in', async () => {
    const before = await connections();
    const former = await cluster.password('replication.password');
    const load = cluster
      .host('pg2')
      .exec(
        `while [ ! -e /tmp/enough ]; do ${login(cluster.host('pg1').address)} >/dev/null 2>&1 && echo in || echo out; done; rm /tmp/enough`,
      );
    const run = await rotate('replication');
    count = eventsOfLast();
    await must(cluster.host('pg2'), 'touch /tmp/enough');
    expect(run.code, run.all).toBe(0);
    expect(run.stdout).toContain('the new password is in force on pg1, pg2 and pg3');
    const tried = (await load).stdout.trim().split('\n');
    expect(tried.filter((word) => word === 'in').length).toBeGreaterThan(10);
    // Between the leader's change and the new file beside it lies a tenth of a second.
    expect(tried.filter((word) => word === 'out').length).toBeLessThan(10);
    const password = await cluster.password('replication.password');
    expect(password).not.toBe(former);
    expect(await connections()).toEqual(before);
    expect(await shutOut()).toEqual([]);
    for (const host of cluster.hosts) {
      expect(await takes(host, 'replicator', password)).toBe(true);
      expect(await takes(host, 'replicator', former)).toBe(false);
      expect(
        (await host.exec(`grep -rlF ${shellWord(former)} /etc/patroni /var/lib/postgresql/.pgpass /var/lib/postgresql/.pgpass_patroni`))
          .stdout,
      ).toBe('');
    }
    expect(pending()).toBe(false);
    expect(run.all).not.toContain(password);
    expect((await pgprov('apply', cluster.file, '--yes')).all).toContain('No changes');
  });

  it('are changed on all members when the run is killed, and finished by a second run', async () => {
    const former = await cluster.password('replication.password');
    await killedAt(LEADER_IS_NEXT);
    expect(pending()).toBe(true);
    // Nobody helps the hosts now.
    await expect.poll(() => takes(cluster.host('pg3'), 'replicator', former), { timeout: patience(20_000) }).toBe(false);
    await expect.poll(shutOut, { timeout: patience(20_000) }).toEqual([]);
    const shown = await pgprov('runs', 'show', cluster.file, 'last');
    expect(shown.stdout).toContain(`\`pgprov secrets rotate replication ${cluster.file}\` continues from there`);
    const resumed = await pgprov('apply', cluster.file, '--resume', '--yes');
    expect([resumed.code, resumed.stderr]).toEqual([
      2,
      expect.stringMatching(/was no apply but `pgprov secrets rotate replication`[^]*run that command again/u),
    ]);
    const other = await rotate('superuser');
    expect([other.code, other.stderr]).toEqual([2, expect.stringContaining('a change of replication.password is not finished')]);
    const again = await rotate('replication.password');
    expect(again.code, again.all).toBe(0);
    expect(again.stdout).toContain('resuming the change of replication.password');
    expect(pending()).toBe(false);
    expect(await takes(cluster.host('pg2'), 'replicator', await cluster.password('replication.password'))).toBe(true);
  });

  it(`are changed by a second run, at whatever event the first was killed (${DEPTH})`, { timeout: patience(1_800_000) }, async () => {
    const before = await connections();
    expect(count).toBeGreaterThan(10);
    // Three with the one above.
    const others = Array.from({ length: count }, (_, index) => index + 1).filter((nth) => nth !== LEADER_IS_NEXT);
    const chosen = sample(others, 2, 'rotate');
    process.stdout.write(`rotation killed at events ${chosen.join(', ')} of ${count} (${DEPTH})\n`);
    for (const nth of chosen) {
      const former = await cluster.password('replication.password');
      await killedAt(nth);
      expect(pending(), `event ${nth}`).toBe(true);
      const again = await rotate('replication');
      expect(again.code, `event ${nth}\n${again.all}`).toBe(0);
      expect(again.stdout, `event ${nth}`).toContain('resuming the change of replication.password');
      expect([pending(), await shutOut()], `event ${nth}`).toEqual([false, []]);
      const password = await cluster.password('replication.password');
      expect(password, `event ${nth}`).not.toBe(former);
      const taken = await Promise.all(
        cluster.hosts.flatMap((host) => [takes(host, 'replicator', password), takes(host, 'replicator', former)]),
      );
      expect(taken, `event ${nth}`).toEqual(cluster.hosts.flatMap(() => [true, false]));
    }
    expect(await connections()).toEqual(before);
  });

  it('stay unchanged while a member is unhealthy', async () => {
    const former = await cluster.password('patroni.rewind_password');
    await must(cluster.host('pg3'), 'systemctl stop patroni');
    const run = await rotate('rewind');
    expect([run.code, run.stderr]).toEqual([1, expect.stringContaining('differs from its inventory')]);
    expect(run.stderr).toContain('start patroni');
    expect([await cluster.password('patroni.rewind_password'), pending()]).toEqual([former, false]);
    await must(cluster.host('pg3'), 'systemctl start patroni');
    await expect.poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(30_000) }).toContain('pg3 Replica streaming');
  });

  it('include that of the REST API', async () => {
    const former = await cluster.password('patroni.restapi_password');
    const run = await rotate('restapi');
    expect(run.code, run.all).toBe(0);
    const codes = await Promise.all(
      [await cluster.password('patroni.restapi_password'), former].map((password) =>
        must(
          cluster.host('pg1'),
          `curl -s -o /dev/null -w '%{http_code}' -u ${shellWord(`patroni:${password}`)} -X PATCH -d '{"ttl":30}' http://${cluster.host('pg2').address}:8008/config`,
        ),
      ),
    );
    expect(codes).toEqual(['200', '401']);
  });

  it('are left to apply when the inventory gives them, on all members or on none', async () => {
    await cluster.write({ replication: { password: 'given-by-the-inventory' } });
    const rotated = await rotate('replication');
    expect([rotated.code, rotated.stderr]).toEqual([
      2,
      expect.stringMatching(/replication\.password is given by the inventory[^]*pgprov apply/u),
    ]);
    const part = await pgprov('apply', cluster.file, '--yes', '--host', 'pg1,pg2');
    expect([part.code, part.all]).toEqual([1, expect.stringContaining('pg3 is not part of this run')]);
    const before = await connections();
    const whole = await cluster.run('apply');
    expect(whole.code, whole.all).toBe(0);
    expect(await connections()).toEqual(before);
    expect([await shutOut(), await takes(cluster.host('pg3'), 'replicator', 'given-by-the-inventory')]).toEqual([[], true]);
  });

  it('still allow a switchover afterwards', async () => {
    await patronictl(cluster.host('pg2'), 'switchover demo --leader pg1 --candidate pg2 --force');
    await expect
      .poll(() => describeMembers(cluster.host('pg1')), { timeout: patience(40_000) })
      .toEqual(['pg1 Replica streaming', 'pg2 Leader running', 'pg3 Replica streaming']);
    expect(readFileSync(join(cluster.directory, '.pgprov', 'demo', 'passwords.yml'), 'utf8')).not.toContain('given-by-the-inventory');
  });

  it('are listed by name when the given name is unknown', async () => {
    const run = await rotate('nothing');
    expect([run.code, run.stderr]).toEqual([2, expect.stringContaining('replication (replication.password), superuser')]);
  });
});
