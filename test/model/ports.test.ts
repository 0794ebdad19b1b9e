import { describe, expect, it } from 'vitest';
import type { Role } from '../../src/plan/role.js';
import { hostOf, inventoryOf, THREE } from '../support/inventory.js';

describe('the ports of a host', () => {
  it('are those of its roles, in the order in which the roles are applied, with the values of the inventory', async () => {
    const inventory = await inventoryOf(`${THREE}etcd: {client_port: 12379}\npatroni: {restapi_port: 8009}\n`);
    const told = hostOf(inventory, 'pg2').ports.map(({ port, what, units, openTo }) => [
      port,
      what,
      units[0],
      Object.keys(openTo).join(' '),
    ]);
    expect(told).toEqual([
      [5432, 'PostgreSQL', 'patroni.service', 'members clients'],
      [12379, 'etcd clients', 'etcd.service', 'members'],
      [2380, 'etcd peers', 'etcd.service', 'members'],
      [8009, "Patroni's REST API", 'patroni.service', 'members clients'],
    ]);
  });

  it.each([
    {
      title: 'on all hosts',
      yaml: `${THREE}patroni: {restapi_port: 5432}\n`,
      says: "port 5432 is given to two services: PostgreSQL (role postgresql) and Patroni's REST API (role patroni)",
    },
    {
      title: 'of one role',
      yaml: `${THREE}etcd: {client_port: 2380}\n`,
      says: 'port 2380 is given to two services: etcd clients (role etcd) and etcd peers (role etcd)',
    },
    {
      title: 'with sshd',
      yaml: `${THREE}etcd: {client_port: 22}\n`,
      says: 'port 22 is given to two services: sshd (ssh.port) and etcd clients (role etcd)',
    },
  ])('belong to one service each: $title', async ({ yaml, says }) => {
    await expect(inventoryOf(yaml)).rejects.toMatchObject({
      problems: [{ path: 'hosts', message: says, hint: 'give one of them another port' }],
    });
  });

  it('may be one under which sshd is reached somewhere else', async () => {
    const yaml = THREE.replace('192.0.2.1,', '127.0.0.1, ssh: {port: 2379},');
    expect(hostOf(await inventoryOf(yaml), 'pg1').ports.map(({ port }) => port)).toContain(2379);
  });

  it('belong to one service each on some hosts, which the problem names', async () => {
    const role = (name: string): Role => ({
      name,
      description: name,
      variables: { type: 'object', properties: { port: { type: 'integer', default: 80 } } },
      ports: ({ vars }) => [{ port: Number(vars[name]?.['port']), what: `the ${name}`, units: [], openTo: {} }],
      stages: () => [],
    });
    const host = (name: string, last: number, roles: string): string => `  ${name}: {address: 10.0.0.${last}, roles: [${roles}]}\n`;
    const yaml = `cluster: own\nhosts:\n${host('a', 1, 'x')}${host('b', 2, 'x, y')}${host('c', 3, 'x, y')}`;
    await expect(inventoryOf(yaml, [role('x'), role('y')])).rejects.toMatchObject({
      problems: [{ path: 'hosts.b', message: 'port 80 is given to two services: the x (role x) and the y (role y) on b and c' }],
    });
  });

  it('include none of roles that a host does not have', async () => {
    const role: Role = {
      name: 'own',
      description: 'own',
      variables: { type: 'object', properties: { port: { type: 'integer', default: 80 } } },
      ports: ({ vars }) => [{ port: Number(vars['own']?.['port']), what: 'own', units: [], openTo: {} }],
      stages: () => [],
    };
    const yaml = 'cluster: own\nhosts:\n  a: {address: 10.0.0.1, roles: [own], own: {port: 81}}\n  b: {address: 10.0.0.2, roles: []}\n';
    const inventory = await inventoryOf(yaml, [role]);
    expect(inventory.hosts.map(({ ports }) => ports.map(({ port }) => port))).toEqual([[81], []]);
  });
});
