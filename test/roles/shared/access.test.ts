import { describe, expect, it } from 'vitest';
import { clientLines } from '../../../roles/shared/access.js';
import { inventoryOf, THREE } from '../../support/inventory.js';

const CLIENTS = `groups: {apps: {hosts: [app1, app2]}}\n`;
const yaml = (access: string, more = ''): string =>
  `${THREE.replace('hosts:\n', 'hosts:\n  app1: {address: 192.0.2.21, cluster_address: 10.0.0.21, roles: []}\n  app2: {address: 192.0.2.22, cluster_address: 10.0.0.22, roles: []}\n')}${CLIENTS}postgresql: {access: [${access}]${more}}\n`;

const lines = async (access: string): Promise<string[]> => {
  const { hosts } = await inventoryOf(yaml(access));
  const host = hosts.find(({ name }) => name === 'pg1');
  if (host === undefined) throw new Error('no pg1');
  return clientLines(host, hosts).map(({ line }) => line);
};

describe('who may connect, in words of the inventory', () => {
  it.each([
    ['{users: [app], from: [10.0.0.0/24]}', ['host all app 10.0.0.0/24 scram-sha-256']],
    ['{users: [app], databases: [shop, all], from: [app1]}', ['host shop,all app 10.0.0.21/32 scram-sha-256']],
    [
      '{users: [a, b], from: [apps, "2001:db8::/32"], tls: true}',
      [
        'hostssl all a,b 10.0.0.21/32 scram-sha-256',
        'hostssl all a,b 10.0.0.22/32 scram-sha-256',
        'hostssl all a,b 2001:db8::/32 scram-sha-256',
      ],
    ],
    ['{users: [all], from: [anywhere], method: cert}', ['hostssl all all all cert']],
    ['{users: [agent], from: [socket], method: peer}', ['local all agent peer']],
    [
      `{users: ['it"s mine', Replication, replication], from: [192.0.2.9]}`,
      ['host all "it""s mine","Replication","replication" 192.0.2.9/32 scram-sha-256'],
    ],
    [
      '{users: [all], from: [10.0.0.0/8], method: ldap, options: {ldapserver: ldap.example.com, ldapprefix: "uid="}}',
      ['host all all 10.0.0.0/8 ldap ldapserver="ldap.example.com" ldapprefix="uid="'],
    ],
  ])('is written as PostgreSQL reads it: %s', async (access, written) => expect(await lines(access)).toEqual(written));

  it('means the database hosts by members, and goes after the lines that are given word for word', async () => {
    const { hosts } = await inventoryOf(yaml('{users: [app], from: [members]}', ', hba: [host own own 10.9.0.0/16 reject]'));
    const host = hosts.find(({ name }) => name === 'pg2');
    if (host === undefined) throw new Error('no pg2');
    expect(clientLines(host, hosts)).toEqual([
      { line: 'host own own 10.9.0.0/16 reject', path: 'postgresql.hba', entry: 0 },
      ...[1, 2, 3].map((at) => ({ line: `host all app 10.0.0.${at}/32 scram-sha-256`, path: 'postgresql.access', entry: 0 })),
    ]);
  });

  it.each([
    ['{users: [app], from: [app3]}', 'is from app3, which is no host, group, address or network'],
    ['{users: [app], from: [10.0.0.1/24]}', 'is from 10.0.0.1/24, which is no host'],
    ['{users: [app], from: [socket], method: cert}', 'is from the socket, which cert is not for'],
    ['{users: [app], from: [socket], tls: true}', 'is from the socket, which has no TLS'],
    ['{users: [app], from: [apps], method: peer}', 'is from the network, which peer is not for'],
    ['{users: [/app], from: [apps]}', 'that does not begin with a slash'],
    ['{users: [all], from: [apps], method: ldap}', 'the line `host all all 10.0.0.21/32 ldap` that it makes'],
    ['{users: [all], from: [apps], options: {map: x}}', 'that it makes'],
    ['{from: [apps]}', 'users'],
  ])('is refused before anything reaches a server: %s', async (access, says) => {
    await expect(inventoryOf(yaml(access))).rejects.toThrow(says);
  });

  it('has a warning where an entry has no effect', async () => {
    const { warnings } = await inventoryOf(yaml('{users: [all], from: [anywhere], method: reject}, {users: [app], from: [apps]}'));
    expect(warnings.map(({ message }) => message).join('\n')).toContain(
      'has no effect as the line `host all app 10.0.0.21/32 scram-sha-256`: the line "host all all all reject" above it',
    );
  });
});
