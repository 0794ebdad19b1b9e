import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { opensshConfig } from '../../src/transport/openssh-config.js';
import type { Target } from '../../src/transport/transport.js';
import { freshDirectory } from '../support/directory.js';
import { isThere } from '../support/shells.js';

const work = freshDirectory();

const TARGET: Target = {
  name: 'pg1',
  address: '10.0.0.11',
  port: 22,
  user: 'admin',
  jump: [],
  become: { method: 'sudo' },
  hostKeys: { policy: 'strict', files: ['/etc/known hosts', '/home/me/known_hosts'] },
  connectTimeout: 15,
};

/** What OpenSSH itself makes of the configuration for a name, by lower-case keyword; a keyword may come several times. */
function understood(target: Target, name: string): Map<string, string[]> {
  const file = work.at('config');
  writeFileSync(file, opensshConfig(target));
  const values = new Map<string, string[]>();
  for (const line of execFileSync('ssh', ['-G', '-F', file, name], { encoding: 'utf8' }).split('\n')) {
    const at = line.indexOf(' ');
    values.set(line.slice(0, at), [...(values.get(line.slice(0, at)) ?? []), line.slice(at + 1)]);
  }
  return values;
}

const ready = isThere('ssh');

describe.skipIf(!ready)(`a configuration for OpenSSH${ready ? '' : ' (skipped: no ssh on this machine)'}`, () => {
  it('leads to the host, and trusts only its own known_hosts files', () => {
    const values = understood({ ...TARGET, keepalive: { interval: 5, count: 3 } }, 'pg1');
    const is = (key: string): string | undefined => values.get(key)?.join('|');
    expect([is('hostname'), is('port'), is('user')]).toEqual(['10.0.0.11', '22', 'admin']);
    expect([is('stricthostkeychecking'), is('globalknownhostsfile'), is('updatehostkeys'), is('checkhostip')]).toEqual([
      'true',
      '/dev/null',
      'false',
      'no',
    ]);
    expect(is('userknownhostsfile')).toBe('/etc/known hosts /home/me/known_hosts');
    expect([is('connecttimeout'), is('serveraliveinterval'), is('serveralivecountmax')]).toEqual(['15', '5', '3']);
    expect([is('proxyjump'), is('identitiesonly')]).toEqual([undefined, 'no']);
  });

  it('looks where pgprov looks, also when HOME is not what the system has for the user', () => {
    vi.stubEnv('HOME', work.path);
    const values = understood({ ...TARGET, hostKeys: { policy: 'strict', files: [] } }, 'pg1');
    vi.unstubAllEnvs();
    expect(values.get('identityfile')).toContain(work.at('.ssh/id_ed25519'));
    expect(values.get('userknownhostsfile')?.join()).toContain(work.at('.ssh/known_hosts'));
  });

  it('records the key of an unknown host when the inventory allows it', () => {
    const values = understood({ ...TARGET, hostKeys: { policy: 'accept-new', files: ['/k'] } }, 'pg1');
    expect(values.get('stricthostkeychecking')).toEqual(['accept-new']);
  });

  it('uses a key file alone, and one of the configuration together with the agent', () => {
    const alone = understood({ ...TARGET, identityFile: '/keys/my key' }, 'pg1');
    expect([alone.get('identityfile'), alone.get('identitiesonly')]).toEqual([['/keys/my key'], ['yes']]);
    const several = understood({ ...TARGET, identities: { files: ['/a', '/100%'], only: false }, agent: '' }, 'pg1');
    expect([several.get('identityfile'), several.get('identitiesonly'), several.get('identityagent')]).toEqual([
      ['/a', '/100%%'],
      ['no'],
      ['none'],
    ]);
  });

  it('goes through all hops in turn, each with its own user, port, key and known name', () => {
    const jump = [
      {
        address: 'bastion.example',
        port: 2222,
        user: 'gate',
        identityFile: '/keys/gate',
        hostKeyAlias: 'gate',
        hostKeys: { policy: 'accept-new' as const, files: ['/gate'] },
      },
      { address: '2001:db8::1', port: 22, user: 'inner' },
    ];
    const target = { ...TARGET, jump };
    const [host, second, first] = ['pg1', 'pg1-jump-2', 'pg1-jump-1'].map((name) => understood(target, name));
    expect([host, second, first].map((values) => values?.get('proxyjump')?.[0])).toEqual(['pg1-jump-2', 'pg1-jump-1', undefined]);
    expect([second?.get('hostname'), second?.get('stricthostkeychecking'), second?.get('userknownhostsfile')]).toEqual([
      ['2001:db8::1'],
      ['true'],
      ['/etc/known hosts /home/me/known_hosts'],
    ]);
    expect([
      first?.get('hostname'),
      first?.get('port'),
      first?.get('user'),
      first?.get('hostkeyalias'),
      first?.get('userknownhostsfile'),
    ]).toEqual([['bastion.example'], ['2222'], ['gate'], ['gate'], ['/gate']]);
  });

  it('contains no password', () => {
    const password = { reveal: () => 'open sesame' };
    const text = opensshConfig({ ...TARGET, password, keyPassphrase: password, become: { method: 'sudo', password } });
    expect(text).not.toContain('sesame');
    expect(text).toContain('PreferredAuthentications password,keyboard-interactive,publickey');
  });
});
