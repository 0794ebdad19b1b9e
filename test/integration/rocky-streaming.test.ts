import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { TestCluster } from './support/cluster.js';
import { must, sql } from './support/outside.js';
import { placesOf } from './support/places.js';

const UNIT = 'postgresql-15';
const { data: DATA } = placesOf('rocky9');

/** The rest of it is in `test/matrix`. */
describe('streaming without Patroni on Rocky 9', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;

  beforeAll(async () => {
    cluster = await TestCluster.start('itrocstr', 'rocky9', 2, 'packages');
    [pg1, pg2] = cluster.hosts as [LabHost, LabHost];
    await cluster.write({ roles: ['base', 'firewall', 'pgdg', 'postgresql', 'replication'] });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  const streams = (host: LabHost): Promise<string> =>
    sql(host, "select string_agg(application_name || ' ' || state, ', ') from pg_stat_replication");

  it('is made of two hosts, through the firewall, and not changed by a second apply', async () => {
    const first = await cluster.run('apply');
    expect([first.code, first.all]).toEqual([0, expect.not.stringContaining('error:')]);
    expect(await streams(pg1)).toBe('pg2 streaming');
    expect(await must(pg2, `systemctl is-active ${UNIT} && systemctl is-enabled ${UNIT} && ls ${DATA}/standby.signal`)).toBe(
      `active\nenabled\n${DATA}/standby.signal`,
    );
    expect(await must(pg1, 'firewall-cmd --state')).toBe('running');
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('hands over without losing a commit', async () => {
    await sql(pg1, 'create table written as select 7 as i');
    const moved = await cluster.run('switchover', '--yes');
    expect([moved.code, moved.all]).toEqual([0, expect.any(String)]);
    expect(await sql(pg2, 'insert into written values (8); select string_agg(i::text, $$ $$ order by i) from written')).toBe('7 8');
    expect(await streams(pg2)).toBe('pg1 streaming');
    expect((await cluster.run('status')).code).toBe(0);
  });
});
