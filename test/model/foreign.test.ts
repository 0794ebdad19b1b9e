import { describe, expect, it } from 'vitest';
import { SourceDocument } from '../../src/model/document.js';
import { foreignFile } from '../../src/model/foreign.js';

const told = (text: string): string | undefined => {
  return foreignFile('my hosts', text, SourceDocument.parse('my hosts', text).value)?.message;
};

describe('a file that is no inventory of pgprov', () => {
  it.each([
    ['[db]\npg1\npg2\n', 'is an inventory of Ansible'],
    ['pg1\n\n[db:children] # all\nx\n', 'is an inventory of Ansible'],
    ['pg1 ansible_host=10.0.0.1\n', 'is an inventory of Ansible'],
    ['all:\n  hosts:\n    pg1:\n', 'is an inventory of Ansible'],
    ['all:\n  children: {db: {hosts: {a: }}}\n  vars: {x: 1}\n', 'is an inventory of Ansible'],
    [
      'all:\n  vars:\n    ansible_password: !vault |\n      $ANSIBLE_VAULT;1.1\n  children:\n    db:\n      hosts:\n        a:\n',
      'is an inventory of Ansible',
    ],
    ['db: {hosts: {a: }}\n', 'is an inventory of Ansible'],
    ['- hosts: all\n  roles: [x]\n', 'is a playbook of Ansible, and pgprov needs none'],
    ['- import_playbook: x.yml\n', 'is a playbook of Ansible, and pgprov needs none'],
    ['- ansible.builtin.import_playbook: x.yml\n', 'is a playbook of Ansible, and pgprov needs none'],
    ['$ANSIBLE_VAULT;1.1;AES256\n6162\n', 'is encrypted with Ansible Vault'],
    ['architecture: M1\ncluster_name: x\ninstances: []\n', 'is a configuration of TPA'],
  ])('is named: %j', (text, message) => expect(told(text)).toBe(message));

  it.each([
    '',
    'hello\n',
    '- pg1\n',
    'cluster: demo\nhosts: {pg1: 10.0.0.1}\n',
    'cluster: demo\nhosts: {hosts: {address: 10.0.0.1}}\n',
    'hosts: {pg1: 10.0.0.1}\n',
    'cluster: demo\nroles:\n[base]\n',
    'cluster: demo\ngroups: {a: {hosts: [pg1]}}\n',
    'groups: {a: {hosts: [pg1]}}\n',
  ])('is not taken for one of Ansible: %j', (text) => expect(told(text)).toBeUndefined());

  it('is answered with the command that makes an inventory from it', () => {
    expect(foreignFile('my hosts', '[db]\n', undefined)?.hint).toBe("`pgprov init --from-ansible 'my hosts'` makes one of pgprov from it");
  });
});
