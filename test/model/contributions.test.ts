import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import type { Contribution, Inventory } from '../../src/model/index.js';
import type { Role } from '../../src/plan/role.js';
import { hostOf, inventoryOf } from '../support/inventory.js';

const adding = (name: string, contribution: Contribution): Role => ({
  name,
  description: name,
  variables: { type: 'object', properties: {} },
  stages: () => [],
  contributes: () => contribution,
});

const yaml = (settings: string, roles = 'one, two'): string => `cluster: demo
roles: [base, firewall, pgdg, postgresql, replication, etcd, patroni, ${roles}]
hosts: {pg1: 192.0.2.1, pg2: 192.0.2.2, pg3: {address: 192.0.2.3, roles: [base, pgdg, postgresql]}}
${settings}
`;

const load = (settings: string, ...contributions: Contribution[]): Promise<Inventory> =>
  inventoryOf(yaml(settings), [...CATALOG, ...['one', 'two'].map((name, index) => adding(name, contributions[index] ?? {}))]);

describe('what roles add to each other’s variables', () => {
  it('has lower precedence than the inventory, and shows its origin', async () => {
    const inventory = await load('postgresql: {parameters: {shared_preload_libraries: auto_explain, work_mem: 8MB}}', {
      postgresql: { parameters: { shared_preload_libraries: 'pg_cron', work_mem: '4MB', 'cron.database_name': 'app' } },
    });
    const host = hostOf(inventory, 'pg1');
    expect(host.vars['postgresql']?.['parameters']).toEqual({
      shared_preload_libraries: 'auto_explain,pg_cron',
      work_mem: '8MB',
      'cron.database_name': 'app',
    });
    expect(
      ['shared_preload_libraries', 'work_mem', 'cron.database_name'].map(
        (name) => host.provenance.get(`postgresql.parameters.${name}`)?.via,
      ),
    ).toEqual([expect.stringMatching(/inventory\.yml:4 and role one$/u), 'top level', 'role one']);
  });

  it('is joined into lists and libraries, each entry once', async () => {
    const inventory = await load(
      'postgresql: {hba: [host app app 10.0.0.0/24 scram-sha-256]}',
      { postgresql: { parameters: { shared_preload_libraries: 'a, b' }, hba: ['host cron cron samehost scram-sha-256'] } },
      { postgresql: { parameters: { shared_preload_libraries: 'b,c' }, hba: ['host app app 10.0.0.0/24 scram-sha-256'] } },
    );
    expect(hostOf(inventory, 'pg1').vars['postgresql']).toMatchObject({
      parameters: { shared_preload_libraries: 'a,b,c' },
      hba: ['host app app 10.0.0.0/24 scram-sha-256', 'host cron cron samehost scram-sha-256'],
    });
    expect(hostOf(inventory, 'pg1').provenance.has('postgresql.parameters')).toBe(false);
  });

  it('is merged into mappings at any depth', async () => {
    const inventory = await load('patroni: {dynamic: {slots: {a: {type: physical}}}}', {
      patroni: { dynamic: { slots: { b: { type: 'logical' } } }, tags: { clonefrom: true } },
    });
    expect(hostOf(inventory, 'pg2').vars['patroni']).toMatchObject({
      dynamic: { slots: { a: { type: 'physical' }, b: { type: 'logical' } } },
      tags: { clonefrom: true },
    });
  });

  it('leaves out hosts that lack the role, or the role that is added to', async () => {
    const inventory = await load('', { postgresql: { hba: ['local all all peer'] } });
    expect(hostOf(inventory, 'pg3').vars['postgresql']?.['hba']).toEqual([]);
    const without = await inventoryOf('cluster: demo\nroles: [base, one]\nhosts: {pg1: 192.0.2.1}\n', [
      ...CATALOG,
      adding('one', { patroni: { tags: { a: 1 } } }),
    ]);
    expect(hostOf(without, 'pg1').vars['patroni']).toBeUndefined();
  });

  it.each<{ what: string; first: Contribution; second?: Contribution; message: string }>([
    {
      what: 'a variable that takes no additions',
      first: { patroni: { ttl: 60 } },
      message: 'role "one" adds to patroni.ttl: it takes no additions; `pgprov roles` marks what does',
    },
    { what: 'an unknown section', first: { patrony: {} }, message: 'role "one" adds to patrony: there is no such role' },
    { what: 'ssh', first: { ssh: { user: 'me' } }, message: 'role "one" adds to ssh: there is no such role' },
    {
      what: 'a wrong value',
      first: { postgresql: { hba: ['a\\'] } },
      message: 'role "one" adds to postgresql.hba[0]: must be one line of pg_hba.conf',
    },
    {
      what: 'values that differ',
      first: { postgresql: { parameters: { work_mem: '4MB' } } },
      second: { postgresql: { parameters: { work_mem: '8MB' } } },
      message: 'role "two" adds to postgresql.parameters.work_mem: role one gives it another value; set it in the inventory',
    },
  ])('is refused: $what', async ({ first, second, message }) => {
    await expect(load('', first, second ?? {})).rejects.toThrow(message);
  });
});
