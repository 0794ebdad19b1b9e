import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { withAbsent, withoutHosts, type Inventory } from '../../src/model/index.js';
import { inventoryDirectory, load, problemsOf } from './inventory-file.js';

const directory = inventoryDirectory();
const YAML = `cluster: demo
hosts:
  pg1: 192.0.2.1
  pg2: 192.0.2.2
  pg3: {address: 192.0.2.3, absent: true}
  pg4: 192.0.2.3
groups: {spare: {hosts: [pg2, pg3], patroni: {tags: {nofailover: true}}}}
`;
const names = ({ hosts, absent, groups, leader }: Inventory): unknown => [
  hosts.map(({ name }) => name).join(' '),
  absent.map(({ name }) => name).join(' '),
  groups[0]?.hosts.join(' '),
  leader,
];

describe('a host that is absent', () => {
  it('is none of the hosts, is resolved all the same, and another one may have its address', async () => {
    const inventory = await load(directory.path, YAML, { roles: CATALOG });
    expect(names(inventory)).toEqual(['pg1 pg2 pg4', 'pg3', 'pg2', 'pg1']);
    expect(inventory.absent[0]).toMatchObject({ clusterAddress: '192.0.2.3', vars: { patroni: { tags: { nofailover: true } } } });
    expect(inventory.absent[0]?.ports.length).toBe(inventory.hosts[0]?.ports.length);
  });

  it('is one of them where an operation is about it', async () => {
    const inventory = await load(directory.path, YAML, { roles: CATALOG });
    expect(names(withAbsent(inventory, 'pg3'))).toEqual(['pg1 pg2 pg4 pg3', 'pg3', 'pg2 pg3', 'pg1']);
    expect(withAbsent(inventory, 'pg9')).toBe(inventory);
    expect(names(withoutHosts(withAbsent(inventory, 'pg3'), ['pg3']))).toEqual(['pg1 pg2 pg4', 'pg3', 'pg2', 'pg1']);
    expect(names(withoutHosts(inventory, ['pg1']))).toEqual(['pg2 pg4', 'pg3 pg1', 'pg2', 'pg2']);
  });

  it('does not lead, and is not the last one', async () => {
    const leads = `leader: pg3\n${YAML}`;
    expect(await problemsOf(directory.path, leads, { roles: CATALOG })).toContain(
      'inventory.yml:1:9 leader: host "pg3" is absent and cannot lead',
    );
    const none = 'cluster: demo\nhosts:\n  pg1: {address: 192.0.2.1, absent: true}\n';
    expect((await problemsOf(directory.path, none, { roles: CATALOG }))[0]).toContain('no host would be left: every one is absent');
  });
});
