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
    { what: 'an IPv6 address with a port', text: '[2001:db8::1]:23', hosts: { '2001:db8::1': { groups: [], ansible_port: 23 } } },
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

  it.each<{ what: string; line: string; vars: Record<string, unknown> }>([
    { what: 'in quotes', line: `ansible_ssh_port='22'  # "sshpass" is required`, vars: { ansible_ssh_port: '22' } },
    { what: 'without quotes', line: 'ansible_user=root # admin', vars: { ansible_user: 'root' } },
    { what: 'that is a number', line: 'ansible_port=22 # the usual one', vars: { ansible_port: 22 } },
    { what: 'that has a # in it', line: 'color=a#b', vars: { color: 'a#b' } },
  ])('may have a comment behind a value $what', ({ line, vars }) => {
    expect(hostsOf(`a\n[all:vars]\n${line}\n`)).toEqual({ a: { groups: [], ...vars } });
  });

  it('names what it does not understand, with its place', () => {
    expect(parseIni('a b\n[x:y]\nz\n[g:vars]\nnothing\n[h]\np[2:1]\n[g:children]\nx=1', 'hosts').notes).toEqual([
      'hosts:1: not a variable, which must be NAME=VALUE',
      'hosts:2: [x:y] is no section that Ansible knows',
      'hosts:5: not a variable, which must be NAME=VALUE',
      'hosts:7: not a range of hosts, which is such as pg[1:3]',
      'hosts:9: x: not the name of a group',
    ]);
  });

  it.each<{ what: string; text: string; key?: string }>([
    { what: 'a colon under [all:vars]', text: '[all:vars]\nansible_become_pass: S3cr3t', key: 'ansible_become_pass' },
    { what: 'a colon and a =', text: '[all:vars]\nansible_become_pass: S3cr3t=x', key: 'ansible_become_pass' },
    { what: 'no sign at all', text: '[all:vars]\nansible_become_pass S3cr3t', key: 'ansible_become_pass' },
    { what: 'a password alone', text: '[all:vars]\nS3cr3t' },
    { what: 'blanks around the =', text: 'a ansible_ssh_pass = S3cr3t', key: 'ansible_ssh_pass' },
    { what: 'a blank before the =', text: 'a ansible_ssh_pass =S3cr3t', key: 'ansible_ssh_pass' },
    { what: 'a blank behind the =', text: 'a ansible_ssh_pass= S3cr3t', key: 'ansible_ssh_pass' },
    { what: 'a blank behind the =, and = in the password', text: 'a ansible_ssh_pass= S3cr3t==', key: 'ansible_ssh_pass' },
    { what: 'blanks around the =, and = in the password', text: 'a ansible_ssh_pass = S3cr3t=', key: 'ansible_ssh_pass' },
    { what: 'a blank in the password', text: 'a ansible_ssh_pass=x S3cr3t' },
    { what: 'a colon on a line of a host', text: 'a ansible_ssh_pass: S3cr3t', key: 'ansible_ssh_pass' },
    { what: 'a colon and no blank on a line of a host', text: 'a ansible_ssh_pass:S3cr3t=', key: 'ansible_ssh_pass' },
    { what: 'a variable where a host belongs', text: '[all]\nansible_ssh_pass=S3cr3t', key: 'ansible_ssh_pass' },
    { what: 'a variable with a bracket where a host belongs', text: '[all]\nansible_ssh_pass=S3cr3t[1', key: 'ansible_ssh_pass' },
    { what: 'a colon where a host belongs', text: '[all]\nansible_ssh_pass: S3cr3t', key: 'ansible_ssh_pass' },
    { what: 'a variable where a group belongs', text: '[g:children]\nansible_ssh_pass=S3cr3t', key: 'ansible_ssh_pass' },
    { what: 'something behind the header of a section', text: '[all:vars] ansible_ssh_pass=S3cr3t\nansible_become_pass=S3cr3t' },
    { what: 'a section that is not closed', text: '[all:vars\nansible_become_pass=S3cr3t' },
    { what: 'a section of another kind', text: '[all:variables]\nansible_become_pass=S3cr3t' },
  ])('echoes no password: $what', ({ text, key }) => {
    const source = parseIni(text, 'hosts');
    const vars = [...source.groups].flatMap(([name, group]) => [name, ...group.hosts, ...group.children, ...group.vars.keys()]);
    expect(source.notes.length).toBeGreaterThan(0);
    if (key !== undefined) expect(source.notes.join()).toContain(`${key}: `);
    expect(
      [...source.notes, ...vars, ...source.hosts.keys(), ...[...source.hosts.values()].flatMap((own) => [...own.keys()])].join(' '),
    ).not.toContain('S3cr3t');
  });
});
