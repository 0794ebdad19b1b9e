import { describe, expect, it } from 'vitest';
import { parseYaml } from '../../src/ansible/yaml.js';

describe('an inventory of Ansible in YAML', () => {
  it('may merge mappings, and the last of two keys counts', () => {
    const text = 'x: &x {a: 1}\nall: {hosts: {h: {<<: *x, b: 2, b: 3}}}\n';
    const own = parseYaml(text, 'hosts.yml').hosts.get('h');
    expect([...(own ?? [])].map(([key, { value }]) => [key, value])).toEqual([
      ['a', 1],
      ['b', 3],
    ]);
  });

  it.each([
    ['hosts', 'all: {hosts: [S3cr3t]}\n'],
    ['hosts', 'all: {hosts: S3cr3t}\n'],
    ['vars', 'all: {vars: S3cr3t}\n'],
    ['children', 'all: {children: [S3cr3t]}\n'],
  ])('tells of %s that are no mapping, and not what stands there: %s', (key, text) => {
    const { notes } = parseYaml(text, 'hosts.yml');
    expect(notes).toEqual([`hosts.yml: group all: ${key} must be a mapping, as Ansible wants it; nothing of it was taken`]);
  });

  it.each([
    'all: {vars: {ansible_ssh_pass: *S3cr3t}}\n',
    'all: {vars: {ansible_ssh_pass: "\\S3cr3t"}}\n',
    'all:\n  vars:\n    ansible_ssh_pass: |S3cr3t\n',
    'all:\n  vars:\n    ansible_ssh_pass: "a" S3cr3t\n',
    'all:\n  vars:\n    ansible_ssh_pass: @S3cr3t\n',
    'all:\n  vars:\n  ansible_ssh_pass: [S3cr3t\n',
    '%S3cr3t\n',
  ])('echoes nothing of what is no YAML: %s', (text) => {
    expect(() => parseYaml(text, 'hosts.yml')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('3cr3t') as string }) as Error,
    );
  });

  it('knows the configuration of TPA, and names the inventory that TPA makes of it', () => {
    expect(() => parseYaml('architecture: M1\ninstances: []\n', 'speedy/config.yml')).toThrow(
      expect.objectContaining({ kind: 'ansible/tpa', hint: expect.stringContaining('speedy/inventory/00-') as string }) as Error,
    );
  });
});
