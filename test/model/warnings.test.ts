import { describe, expect, test } from 'vitest';
import { inventoryDirectory, warningsOf } from './inventory-file.js';

const directory = inventoryDirectory();

function clusterOf(count: number): string {
  const hosts = Array.from(
    { length: count },
    (_, index) => `  pg${index + 1}: 192.0.${2 + Math.floor(index / 250)}.${(index % 250) + 1}\n`,
  );
  return `cluster: demo\nhosts:\n${hosts.join('')}`;
}

describe('etcd members', () => {
  test.each([
    {
      members: 1,
      lines: [
        'inventory.yml:2:1 hosts: a single etcd member: when it fails, the cluster has no leader and accepts no writes\n    use three',
      ],
    },
    {
      members: 2,
      lines: ['inventory.yml:2:1 hosts: 2 etcd members tolerate no failure, the same as 1: a quorum needs 2 of them\n    use 3'],
    },
    { members: 3, lines: [] },
    {
      members: 4,
      lines: ['inventory.yml:2:1 hosts: 4 etcd members tolerate one failure, the same as 3: a quorum needs 3 of them\n    use 3 or 5'],
    },
    {
      members: 6,
      lines: ['inventory.yml:2:1 hosts: 6 etcd members tolerate 2 failures, the same as 5: a quorum needs 4 of them\n    use 5 or 7'],
    },
    {
      members: 300,
      lines: [
        'inventory.yml:2:1 hosts: 300 etcd members: 151 of them have to confirm every change, which makes each one slower and the cluster no safer\n    three, five or seven are enough; leave the role etcd out on the other hosts',
      ],
    },
  ])('$members', async ({ members, lines }) => {
    expect(await warningsOf(directory.path, clusterOf(members))).toEqual(lines);
  });

  test('are missed when Patroni needs them', async () => {
    expect(await warningsOf(directory.path, `roles: [base, postgresql, patroni]\n${clusterOf(3)}`)).toEqual([
      'inventory.yml:3:1 hosts: no host has the role etcd, in which Patroni keeps the leader lock',
    ]);
  });
});

test.each([
  { name: 'a group without hosts', rest: 'groups: {g: }', lines: ['inventory.yml:6:10 groups.g: the group has no hosts'] },
  {
    name: 'a host without roles and a section nobody reads',
    rest: '  x: {address: 192.0.2.9, roles: [], patroni: {ttl: 30}}',
    lines: [
      'inventory.yml:6:3 hosts.x: the host has no roles; nothing will be done on it',
      'inventory.yml:6:38 hosts.x.patroni: has no effect: the host does not have the role "patroni"',
    ],
  },
  {
    name: 'a leader that must not be promoted',
    rest: 'patroni: {tags: {nofailover: true}}',
    lines: [
      'inventory.yml:6:30 patroni.tags.nofailover: the leader pg1 is tagged nofailover: once it has lost the lead it will not get it back by itself',
    ],
  },
  {
    name: 'groups that disagree, unless the host decides',
    rest: '  x: {address: 192.0.2.9, roles: [base], ssh: {port: 1}}\ngroups:\n  a: {hosts: [pg1, pg2, x], ssh: {port: 22, user: u, password: a}}\n  b: {hosts: [pg1, pg2, x], ssh: {port: 23, user: u, password: b}}',
    lines: [
      'inventory.yml:9:41 groups.b.ssh.port: groups a and b give different values (22 and 23); b wins, being listed later, for pg1 and pg2',
      'inventory.yml:9:64 groups.b.ssh.password: groups a and b give different values; b wins, being listed later, for pg1, pg2 and x',
    ],
  },
])('$name', async ({ rest, lines }) => {
  expect(await warningsOf(directory.path, `${clusterOf(3)}${rest}\n`)).toEqual(lines);
});
