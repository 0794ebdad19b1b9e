import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { orderRoles } from '../../src/catalog/order.js';
import type { Role } from '../../src/plan/role.js';

const role = (name: string, order: Pick<Role, 'requires' | 'after' | 'before'> = {}): Role => ({
  name,
  description: name,
  variables: { type: 'object', properties: {} },
  stages: () => [],
  ...order,
});

function names(added: readonly Role[]): string | readonly string[] {
  const order = orderRoles(CATALOG, added);
  return 'problems' in order ? order.problems : order.roles.map(({ name }) => name).join(' ');
}

describe('the order of roles', () => {
  it.each([
    {
      added: [role('b'), role('a')],
      order:
        'base firewall pgdg postgresql etcd consul consul-agent replication patroni backup backup-repository haproxy pgbouncer vip b a',
    },
    {
      added: [role('disk', { before: ['postgresql'] })],
      order:
        'base firewall pgdg disk postgresql etcd consul consul-agent replication patroni backup backup-repository haproxy pgbouncer vip',
    },
    {
      added: [role('other'), role('disk', { after: ['base'], before: ['firewall'] })],
      order:
        'base disk firewall pgdg postgresql etcd consul consul-agent replication patroni backup backup-repository haproxy pgbouncer vip other',
    },
    {
      added: [role('a', { requires: ['b'] }), role('b', { requires: ['patroni'] })],
      order:
        'base firewall pgdg postgresql etcd consul consul-agent replication patroni backup backup-repository haproxy pgbouncer vip b a',
    },
    {
      added: [role('a', { after: ['b'], before: ['etcd'] }), role('b')],
      order:
        'base firewall pgdg postgresql b a etcd consul consul-agent replication patroni backup backup-repository haproxy pgbouncer vip',
    },
  ])('is $order', ({ added, order }) => expect(names(added)).toBe(order));

  it('does not exist where roles wait for each other', () => {
    expect(names([role('a', { after: ['b'] }), role('b', { requires: ['a'] })])).toEqual([
      'roles that wait for each other have no order: a after b after a',
    ]);
    expect(names([role('a', { after: ['a'] })])).toEqual(['roles that wait for each other have no order: a after a']);
    expect(names([role('disk', { requires: ['etcd'], before: ['postgresql'] })])).toEqual([
      'roles that wait for each other have no order: postgresql after disk after etcd after postgresql',
    ]);
  });

  it('accepts only names that some role has', () => {
    expect(names([role('a', { requires: ['patrony'], before: ['zzz'] })])).toEqual([
      'role a: requires names "patrony", which is no role; did you mean "patroni"?',
      'role a: before names "zzz", which is no role; there are base, firewall, pgdg, postgresql, etcd, consul, consul-agent, replication, patroni, backup, backup-repository, haproxy, pgbouncer, vip, a',
    ]);
  });
});
