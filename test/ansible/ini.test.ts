import { describe, expect, it } from 'vitest';
import { inheritVariables } from '../../src/ansible/inherit.js';
import { parseIni } from '../../src/ansible/ini.js';

/** Each host with its groups and the values it ends up with. */
function hostsOf(text: string): Record<string, unknown> {
  return Object.fromEntries(
    inheritVariables(parseIni(text, 'hosts')).map(({ name, groups, vars }) => [
      name,
      { groups, ...Object.fromEntries([...vars].map(([key, { value }]) => [key, value])) },
    ]),
  );
}

describe('an Ansible inventory in INI format', () => {
  it.each<{ what: string; text: string; hosts: Record<string, unknown> }>([
    {
      what: 'hosts without a group',
      text: 'a\nb ansible_host=1.2.3.4',
      hosts: { a: { groups: [] }, b: { groups: [], ansible_host: '1.2.3.4' } },
    },
    { what: 'comments', text: '# x\n; y\n[db] # z\na x=1 # y=2\n', hosts: { a: { groups: ['db'], x: 1 } } },
    { what: 'quotes', text: `a x="one two" y='#3' z=b\\ c`, hosts: { a: { groups: [], x: 'one two', y: '#3', z: 'b c' } } },
    { what: 'types', text: 'a t=True i=22 z=007 s=abc', hosts: { a: { groups: [], t: true, i: 22, z: '007', s: 'abc' } } },
    {
      what: 'a port',
      text: 'a:2222\npg[1:2]:23\n',
      hosts: { a: { groups: [], ansible_port: 2222 }, pg1: { groups: [], ansible_port: 23 }, pg2: { groups: [], ansible_port: 23 } },
    },
    { what: 'an IPv6 address', text: '2001:db8::1', hosts: { '2001:db8::1': { groups: [] } } },
    {
      what: 'groups in groups, the nearer one winning',
      text: '[low]\na\n[high:children]\nlow\n[high:vars]\nx=high\ny=high one\n[low:vars]\nx=low\n[all:vars]\nx=all\nz = "all"\n',
      hosts: { a: { groups: ['high', 'low'], x: 'low', y: 'high one', z: 'all' } },
    },
    {
      what: 'a host in two groups, its own variables winning',
      text: '[one]\na x=1\n[two]\na y=2\n[two:vars]\nx=3\n',
      hosts: { a: { groups: ['one', 'two'], x: 1, y: 2 } },
    },
    { what: 'groups that contain each other', text: '[a:children]\nb\n[b:children]\na\n[b]\nh\n', hosts: { h: { groups: ['a', 'b'] } } },
  ])('may have $what', ({ text, hosts }) => expect(hostsOf(text)).toEqual(hosts));

  it('names what it does not understand, with its place', () => {
    expect(parseIni('a b\n[x:y]\nz\n[g:vars]\nnothing\n[h]\np[2:1]', 'hosts').notes).toEqual([
      'hosts:1: not a variable: b',
      'hosts:2: [x:y] is no section that Ansible knows',
      'hosts:5: not a variable: nothing',
      'hosts:7: not a range of hosts: p[2:1]',
    ]);
  });
});
