import { describe, expect, it } from 'vitest';
import { nextServer, servers } from '../../../../roles/shared/accounts.js';
import { standaloneAccess } from '../../../../roles/shared/hba.js';
import { wantedSettings } from '../../../../roles/shared/in-force.js';
import { CATALOG } from '../../../../roles/index.js';
import { rocky9 } from '../../../../src/platform/el.js';
import { formatProblem, type InventoryError } from '../../../../src/model/index.js';
import { buildHostWork, joinHostWork } from '../../../../src/plan/host-work.js';
import { contextOf, hostOf } from '../../../support/inventory.js';
import { slotsAt } from '../../../../roles/shared/streaming/servers.js';
import { synchronousOptions } from '../../../../roles/shared/streaming/synchronous.js';
import { streaming } from './scene.js';

const problems = async (more: string): Promise<string> =>
  streaming(more).then(
    () => '',
    (error: unknown) => (error as InventoryError).problems.map(formatProblem).join('\n'),
  );

describe('what servers that stream without Patroni are given', () => {
  it('is how they reach the primary, whichever of the others that is, the one of the inventory first', async () => {
    const inventory = await streaming('leader: pg3\npostgresql: {parameters: {work_mem: 8MB}}\n');
    expect(wantedSettings(contextOf(inventory, 'pg1'))).toEqual({
      port: 5432,
      listen_addresses: '*',
      work_mem: '8MB',
      primary_conninfo:
        'host=10.0.0.3,10.0.0.2 port=5432,5432 user=replicator passfile=/var/lib/postgresql/.pgpass application_name=pg1 target_session_attrs=read-write',
      primary_slot_name: 'pg1',
    });
    expect(wantedSettings(contextOf(inventory, 'pg1', rocky9))['primary_conninfo']).toContain('passfile=/var/lib/pgsql/.pgpass');
  });

  it('has no slot where the inventory wants none', async () => {
    expect(wantedSettings(contextOf(await streaming('replication: {slots: false}\n'), 'pg1'))).not.toHaveProperty('primary_slot_name');
  });

  it('lets the others replicate and rewind, and rejects itself', async () => {
    const inventory = await streaming();
    expect(standaloneAccess(hostOf(inventory, 'pg2'), inventory.hosts)).toEqual([
      'local all postgres peer',
      'host replication replicator 10.0.0.1/32 scram-sha-256',
      'host postgres replicator 10.0.0.1/32 scram-sha-256',
      'host replication replicator 10.0.0.2/32 reject',
      'host replication replicator 10.0.0.3/32 scram-sha-256',
      'host postgres replicator 10.0.0.3/32 scram-sha-256',
    ]);
  });

  it('is a login to each other, and not to itself', async () => {
    const inventory = await streaming();
    expect(servers(contextOf(inventory, 'pg2')).map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.3']);
    expect(['pg1', 'pg2', 'pg3'].map((name) => nextServer(contextOf(inventory, name)).address)).toEqual([
      '10.0.0.2',
      '10.0.0.3',
      '10.0.0.1',
    ]);
  });

  it('comes in this order', async () => {
    const shape = buildHostWork(CATALOG, contextOf(await streaming(), 'pg2'));
    expect(shape.stages.map(({ id }) => id).slice(3)).toEqual([
      'postgresql/cluster',
      'postgresql/configure',
      'postgresql/start',
      'replication/accounts',
      'replication/copy',
      'replication/register',
      'replication/configure',
      'replication/start',
      'replication/joined',
      'replication/synchronous',
    ]);
  });
});

describe('parameters of servers that stream without Patroni', () => {
  it.each([
    ['{primary_conninfo: host=a}', 'is worked out from the hosts of the inventory'],
    ['{synchronous_standby_names: pg2}', 'would have every commit wait for standbys before they are made'],
    ['{wal_level: minimal}', 'must be replica or logical, not minimal: no standby could stream'],
    ['{hot_standby: off}', 'must be on, not off: no standby could stream'],
  ])('are refused as %s', async (parameters, message) =>
    expect(await problems(`postgresql: {parameters: ${parameters}}\n`)).toContain(message),
  );

  it('must be the same on every server where a standby may not have less', async () => {
    const own = '  pg4: {address: 192.0.2.4, postgresql: {parameters: {max_connections: 50}}}\n';
    expect(await problems(own)).toContain('a standby with a lower max_connections than its primary does not start');
    expect(await problems(own.replace('max_connections: 50', 'work_mem: 1MB'))).toBe('');
  });
});

describe('synchronous standbys', () => {
  const wanted = async (name: string, more: string): Promise<string> =>
    synchronousOptions(contextOf(await streaming(`replication: ${more}\n`), name)).wanted;

  it('are those of the list that are not the primary itself', async () => {
    const all = '{synchronous: [pg1, pg2, pg3], synchronous_number: 2, synchronous_method: any}';
    expect(await wanted('pg1', all)).toBe('ANY 2 (pg2, pg3)');
    expect(await wanted('pg3', all)).toBe('ANY 2 (pg1, pg2)');
    expect(await wanted('pg2', '{synchronous: [pg2, pg3], synchronous_number: 2}')).toBe('FIRST 1 (pg3)');
    expect(await wanted('pg2', '{synchronous: [pg2]}')).toBe('');
  });

  it.each([
    ['{synchronous: [pg2, pg7]}', 'names pg7, which is none of the servers that stream from the primary'],
    ['{synchronous: [pg1, pg2], synchronous_number: 2}', 'is 2, and there are 1 standbys to wait for'],
  ])('are refused as %s', async (given, message) => expect(await problems(`replication: ${given}\n`)).toContain(message));

  it('may be the first host, where another one is the primary', async () => {
    expect(await problems('leader: pg2\nreplication: {synchronous: [pg1]}\n')).toBe('');
  });
});

describe('a standby of a standby', () => {
  const CASCADE = '  pg4: {address: 192.0.2.4, cluster_address: 10.0.0.4, replication: {upstream: pg2}}\n';

  it('streams from that one, whatever it is, through a slot there', async () => {
    const inventory = await streaming(CASCADE);
    expect(wantedSettings(contextOf(inventory, 'pg4'))['primary_conninfo']).toBe(
      'host=10.0.0.2 port=5432 user=replicator passfile=/var/lib/postgresql/.pgpass application_name=pg4',
    );
    expect(slotsAt(contextOf(inventory, 'pg1'))).toEqual({ ofPrimary: ['pg2', 'pg3'], ofStandby: [], ofMembers: ['pg2', 'pg3', 'pg4'] });
    expect(slotsAt(contextOf(inventory, 'pg2'))).toEqual({
      ofPrimary: ['pg1', 'pg3', 'pg4'],
      ofStandby: ['pg4'],
      ofMembers: ['pg1', 'pg3', 'pg4'],
    });
  });

  it('is made after the one that it streams from, whose slot for it is made before', async () => {
    const inventory = await streaming(CASCADE);
    const shapes = new Map(inventory.hosts.map(({ name }) => [name, buildHostWork(CATALOG, contextOf(inventory, name))]));
    const order = joinHostWork(CATALOG, shapes)
      .filter(({ role }) => role === 'replication')
      .map(({ id, crossing, hosts }) => `${id} ${crossing} ${[...hosts.keys()].join(' ')}`);
    expect(order).toEqual([
      'replication/accounts rolling pg1 pg2 pg3 pg4',
      'replication/copy independent pg1 pg2 pg3',
      'replication/register independent pg1 pg2 pg3',
      'replication/configure independent pg1 pg2 pg3',
      'replication/start independent pg1 pg2 pg3',
      'replication/joined independent pg1 pg2 pg3',
      'replication/cascade rolling pg1 pg2 pg3 pg4',
      'replication/cascaded-copy independent pg4',
      'replication/cascaded-register independent pg4',
      'replication/cascaded-configure independent pg4',
      'replication/cascaded-start independent pg4',
      'replication/cascaded-joined independent pg4',
      'replication/synchronous rolling pg1 pg2 pg3 pg4',
    ]);
  });

  it.each([
    ['{upstream: pg7}', 'is pg7, which is none of the other servers'],
    ['{upstream: pg5}', 'is pg5, which is none of the other servers'],
    ['{upstream: pg4}', 'is pg4, which streams from a standby itself'],
  ])('is refused with %s', async (given, message) => {
    const own = `  pg5: {address: 192.0.2.5, replication: ${given}}\n`;
    expect(await problems(`${CASCADE}${own}`)).toContain(message);
  });

  it('is neither the primary of the inventory nor one that commits wait for', async () => {
    expect(await problems(`${CASCADE}leader: pg4\n`)).toContain('pg4 is the primary of the inventory (leader), which streams from nobody');
    expect(await problems(`${CASCADE}replication: {synchronous: [pg4]}\n`)).toContain('names pg4, which is none of the servers');
  });
});
