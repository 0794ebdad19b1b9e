import { describe, expect, it } from 'vitest';
import { connectionOf } from '../../src/ansible/connection.js';
import { VAULTED } from '../../src/ansible/source.js';

const from = (vars: Record<string, unknown>): ReturnType<typeof connectionOf> =>
  connectionOf(new Map(Object.entries(vars).map(([key, value]) => [key, { value, at: 'f' }])));

describe('connection variables of Ansible', () => {
  it.each<{ vars: Record<string, unknown>; address?: string; ssh?: Record<string, unknown> }>([
    { vars: { ansible_host: '10.0.0.1', ansible_port: 2222, ansible_user: 'me' }, address: '10.0.0.1', ssh: { port: 2222, user: 'me' } },
    {
      vars: { ansible_ssh_host: '10.0.0.1', ansible_ssh_user: 'me', ansible_ssh_private_key_file: '~/k' },
      address: '10.0.0.1',
      ssh: { user: 'me', identity_file: '~/k' },
    },
    { vars: { ansible_become: true, ansible_become_method: 'doas' }, ssh: { become: 'doas' } },
    { vars: { ansible_become: 'no' }, ssh: { become: 'none' } },
    {
      vars: { ansible_ssh_common_args: '-J a@b:22,c -o StrictHostKeyChecking=accept-new' },
      ssh: { jump: ['a@b:22', 'c'], host_key_policy: 'accept-new' },
    },
    { vars: { ansible_ssh_extra_args: '-o "ProxyJump=a" -oControlPersist=60s -o UserKnownHostsFile=/dev/null' }, ssh: { jump: ['a'] } },
    { vars: { ansible_ssh_common_args: '-o ProxyCommand="ssh -W %h:%p -q me@b.example -p 2222"' }, ssh: { jump: ['me@b.example:2222'] } },
    { vars: { ansible_become_user: 'root', ansible_connection: 'ssh', other: 1 } },
  ])('$vars', ({ vars, address, ssh = {} }) =>
    expect(from(vars)).toEqual({ ...(address === undefined ? {} : { address }), ssh, notes: [] }),
  );

  it.each<{ vars: Record<string, unknown>; why: RegExp; ssh?: Record<string, unknown> }>([
    { vars: { ansible_become_pass: 'open5esame' }, why: /^a secret, never copied; give ssh\.become_password/u },
    { vars: { ansible_ssh_pass: VAULTED }, why: /^a secret, never copied; give ssh\.password/u },
    { vars: { ansible_user: VAULTED }, why: /^encrypted with Ansible Vault/u },
    { vars: { ansible_host: "{{ lookup('env', 'X') | default('open5esame') }}" }, why: /^an expression, which only Ansible evaluates$/u },
    { vars: { ansible_user: '{% if x %}open5esame{% endif %}' }, why: /^an expression/u },
    { vars: { ansible_port: 'open5esame' }, why: /^not a port$/u },
    { vars: { ansible_become_method: 'su' }, why: /by sudo or doas, and in no other way$/u },
    { vars: { ansible_become_user: 'postgres' }, why: /^pgprov becomes root/u },
    { vars: { ansible_connection: 'winrm' }, why: /^pgprov goes through SSH/u },
    { vars: { ansible_private_key_file: '-----BEGIN KEY-----\nopen5esame\n' }, why: /^not one line of text/u },
    { vars: { ansible_user: { name: 'open5esame' } }, why: /^not one line of text/u },
    {
      vars: { ansible_ssh_common_args: '-o ProxyCommand="ssh -i key -W %h:%p b"' },
      why: /ProxyCommand; pgprov goes through .* no ProxyCommand$/u,
    },
    { vars: { ansible_shell_type: 'fish' }, why: /^not understood$/u },
    {
      vars: { ansible_ssh_common_args: '-J b -o ProxyCommand="sshpass -p open5esame ssh" -A' },
      why: /not understood: -o ProxyCommand/u,
      ssh: { jump: ['b'] },
    },
    {
      vars: { ansible_ssh_common_args: "-o ProxyCommand='sshpass -popen5esame ssh -W %h:%p b' -o Port=open5esame" },
      why: /not understood: -o ProxyCommand -o Port;/u,
    },
    { vars: { ansible_ssh_extra_args: '-Lopen5esame --password=open5esame' }, why: /not understood: -L --p;/u },
  ])('$vars give a problem with the reason', ({ vars, why, ssh = {} }) => {
    const found = from(vars);
    expect(found).toMatchObject({ ssh, notes: [{ at: 'f', key: Object.keys(vars)[0], why: expect.stringMatching(why) as string }] });
    expect(JSON.stringify(found)).not.toContain('open5esame');
  });
});
