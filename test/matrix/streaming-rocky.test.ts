import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEMS, type LabHost } from '../lab/index.js';
import { TestCluster } from '../integration/support/cluster.js';
import { must, sql } from '../integration/support/outside.js';
import { placesOf } from '../integration/support/places.js';
import { patience } from '../support/patience.js';

describe.each([
  { os: 'rocky9', name: 'mxstrr9' },
  { os: 'rocky8', name: 'mxstrr8' },
  { os: 'debian12', name: 'mxstrd12' },
] as const)('streaming without Patroni on $os', ({ os, name }) => {
  const { family, postgresql } = SYSTEMS[os];
  const unit = family === 'el' ? `postgresql-${postgresql}` : `postgresql@${postgresql}-main`;
  let cluster: TestCluster;
  let hosts: [LabHost, LabHost, LabHost];

  beforeAll(async () => {
    cluster = await TestCluster.start(name, os, 3, 'packages');
    hosts = cluster.hosts as typeof hosts;
    await cluster.write({ roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'], leader: 'pg2' });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const streams = (host: LabHost): Promise<string> =>
    sql(
      host,
      "select string_agg(application_name || '|' || state || '|' || slot_name, ' ' order by application_name) from pg_stat_replication r join pg_replication_slots s on s.active_pid = r.pid",
    );

  it('is made as it was planned, with the primary that the inventory names', async () => {
    const run = await cluster.run('apply');
    expect(run.all).not.toContain('error:');
    expect(run.code).toBe(0);
    const [pg1, pg2] = hosts;
    expect(await streams(pg2)).toBe('pg1|streaming|pg1 pg3|streaming|pg3');
    expect(await Promise.all(hosts.map((host) => sql(host, 'select pg_is_in_recovery()')))).toEqual(['t', 'f', 't']);
    expect(await sql(pg1, 'show data_checksums')).toBe('on');
    expect(await must(pg1, `systemctl is-active ${unit}; ls ${placesOf(os).data}/standby.signal`)).toMatch(/^active\n.*standby\.signal$/u);
    expect(await must(pg1, `grep -c primary_conninfo ${placesOf(os).data}/postgresql.auto.conf || :`)).toBe('0');
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('has a standby of a standby, made through a slot there, and by the primary when the inventory says so again', async () => {
    const [pg1, pg2, pg3] = hosts;
    const { data } = placesOf(os);
    await must(pg3, `systemctl stop ${unit} && mv ${data} ${data}.direct`);
    const roles = ['base', 'firewall', 'pgdg', 'postgresql', 'replication'];
    const addresses = Object.fromEntries(hosts.map(({ name: host, address }) => [host, address]));
    await cluster.write({ roles, leader: 'pg2', hosts: { ...addresses, pg3: { address: pg3.address, replication: { upstream: 'pg1' } } } });
    const run = await cluster.run('apply');
    expect(run.all).not.toContain('error:');
    expect(run.code).toBe(0);
    expect(await streams(pg1)).toBe('pg3|streaming|pg3');
    expect(await streams(pg2)).toBe('pg1|streaming|pg1');
    expect(await sql(pg2, "select string_agg(slot_name, ' ') from pg_replication_slots")).toBe('pg1');
    expect((await cluster.run('apply')).all).toContain('No changes');
    expect((await cluster.run('status')).code).toBe(0);
    await cluster.write({ roles, leader: 'pg2' });
    const direct = await cluster.run('apply');
    expect(direct.all).not.toContain('error:');
    expect(direct.code).toBe(0);
    expect(await streams(pg2)).toBe('pg1|streaming|pg1 pg3|streaming|pg3');
  });

  it('has standbys that come back as such by themselves', async () => {
    const [pg1, pg2] = hosts;
    await must(pg1, `systemctl restart ${unit}`);
    await expect.poll(() => streams(pg2), { timeout: patience(30_000) }).toBe('pg1|streaming|pg1 pg3|streaming|pg3');
  });

  it('makes a standby anew whose data was moved away', async () => {
    const { data } = placesOf(os);
    await must(hosts[2], `systemctl stop ${unit} && mv ${data} ${data}.former`);
    const run = await cluster.run('apply');
    expect(run.all).not.toContain('error:');
    expect(run.code).toBe(0);
    expect(await streams(hosts[1])).toBe('pg1|streaming|pg1 pg3|streaming|pg3');
    expect((await cluster.run('status')).code).toBe(0);
  });
});
