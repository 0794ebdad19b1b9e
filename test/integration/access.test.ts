import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { TestCluster } from './support/cluster.js';
import { must } from './support/outside.js';
import { pgprov, start, type Finished } from './support/pgprov.js';
import { holdPackageLock, traces } from './support/traces.js';

describe('access to the hosts', () => {
  let cluster: TestCluster;
  let pg1: LabHost;
  let pg2: LabHost;
  let untouched: string[];

  beforeAll(async () => {
    cluster = await TestCluster.start('itacc', 'debian13', 2);
    [pg1, pg2] = cluster.hosts as [LabHost, LabHost];
    untouched = await traces(pg1, pg2);
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  /** Applies with another `ssh` section. */
  async function applyWith(ssh: Record<string, unknown>, ...args: string[]): Promise<Finished> {
    await cluster.write({ ssh });
    return cluster.run('apply', ...args);
  }

  /** What every refusal has in common: the exit code, and hosts as they were. */
  async function expectRefused(run: Finished, ...says: RegExp[]): Promise<void> {
    for (const pattern of says) expect(run.all).toMatch(pattern);
    expect(run.code).toBe(3);
    expect(await traces(pg1, pg2)).toEqual(untouched);
  }

  it('is refused without sudo', async () => {
    const run = await applyWith({ user: 'locked' });
    await expectRefused(
      run,
      /pg1: .*cannot become root as locked on pg1|pg1.*cannot become root/u,
      /pg2/u,
      /sudo asks for a password|sudo does not let/u,
    );
  });

  it('is refused when sudo requires a password and none is given', async () => {
    await expectRefused(
      await applyWith({ user: 'asks' }),
      /cannot become root as asks on pg1: sudo asks for a password and none was given/u,
      /→ give the become password in the inventory, or let the user run sudo with NOPASSWD/u,
    );
  });

  it('is refused with a wrong sudo password, which is tried once', async () => {
    // Past TestCluster, which makes a plan first and so asks once itself.
    await cluster.write({ ssh: { user: 'asks', become_password: 'not-this-one' } });
    const run = await pgprov('apply', cluster.file);
    await expectRefused(run, /cannot become root as asks on pg1: sudo did not accept the password/u, /→ correct the become password/u);
    expect(run.all).not.toContain('not-this-one');
    expect(await must(pg1, "journalctl -o cat -t sudo --no-pager | grep -c 'pam_unix(sudo:auth): authentication failure' || :")).toBe('1');
  });

  it('becomes root with the right password', async () => {
    await cluster.write({ ssh: { user: 'asks', become_password: 'asks-password' } });
    const run = await cluster.run('plan');
    expect(run.code).toBe(0);
    expect(run.all).toContain('install');
    expect(run.all).not.toContain('asks-password');
    expect(await traces(pg1, pg2)).toEqual(untouched);
  });

  it('is not confused by a login shell that prints text', async () => {
    await cluster.write({ ssh: { user: 'chatty' } });
    const run = await cluster.run('plan');
    expect(run.code).toBe(0);
    expect(run.all).not.toContain('welcome from');
  });

  describe('when sudo requires a terminal', () => {
    const rule = '/etc/sudoers.d/terminal';

    beforeAll(async () => {
      for (const host of [pg1, pg2])
        await must(host, `for user in tty asks; do echo "Defaults:$user requiretty"; done >${rule}; chmod 440 ${rule}; visudo -qc`);
      untouched = await traces(pg1, pg2);
    });

    afterAll(async () => {
      for (const host of [pg1, pg2]) await must(host, `rm ${rule}`);
      untouched = await traces(pg1, pg2);
    });

    it.each([{ user: 'tty' }, { user: 'asks', become_password: 'asks-password' }])('becomes root as $user', async (ssh) => {
      await cluster.write({ ssh });
      const run = await cluster.run('plan');
      expect(run.code).toBe(0);
      expect(run.all).toContain('install');
      expect(await traces(pg1, pg2)).toEqual(untouched);
    });

    it('still reports a wrong password', async () => {
      await expectRefused(
        await applyWith({ user: 'asks', become_password: 'not-this-one' }),
        /cannot become root as asks on pg1: sudo did not accept the password/u,
      );
    });

    it('is refused where no terminal can be allocated', async () => {
      await must(pg1, 'mv /usr/bin/script /run/');
      try {
        await expectRefused(
          await applyWith({ user: 'tty' }),
          /cannot become root as tty on pg1: sudo requires a terminal/u,
          /→ install the script command .*!requiretty/u,
        );
      } finally {
        await must(pg1, 'mv /run/script /usr/bin/');
      }
    });
  });

  it('needs no sudo as root', async () => {
    await cluster.write({ ssh: { user: 'root', become: 'none' } });
    const before = await must(pg1, 'journalctl -t sudo -o cat --no-pager | wc -l');
    expect((await cluster.run('plan')).code).toBe(0);
    expect(await must(pg1, 'journalctl -t sudo -o cat --no-pager | wc -l')).toBe(before);
  });

  it('says when a user who is not root is configured to be root already', async () => {
    const run = await applyWith({ user: 'admin', become: 'none' });
    expect(run.all).toMatch(/pg1.*admin cannot take pgprov's lock/u);
    expect(run.all).toMatch(/→ changes need root: set ssh\.become to sudo/u);
    expect(run.all).not.toMatch(/connection .* lost/u);
    expect(run.code).toBe(1);
    expect(await traces(pg1, pg2)).toEqual(untouched);
  });

  describe('with a key', () => {
    it('is refused when the host does not accept it', async () => {
      const file = join(cluster.directory, 'stranger_key');
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]);
      await expectRefused(
        await applyWith({ identity_file: file }),
        /cannot connect to pg1 \(admin@\S+:22\): the server refused the login of admin; tried key \S*stranger_key; the server takes publickey/u,
        /→ add a public key of yours/u,
      );
    });

    it('is refused when there is no such file', async () => {
      await expectRefused(
        await applyWith({ identity_file: 'nowhere/id' }),
        /cannot use the private key \S*nowhere\/id for admin on pg1: there is no such file/u,
        /→ correct identity_file/u,
      );
    });

    it('is refused when it is a public key', async () => {
      await expectRefused(
        await applyWith({ identity_file: join(cluster.directory, 'stranger_key.pub') }),
        /public key, not a private one/u,
      );
    });
  });

  describe('with a host key', () => {
    it('is refused when the key is unknown, with a hint how to record it', async () => {
      const file = join(cluster.directory, 'known_none');
      await writeFile(file, '');
      await expectRefused(
        await applyWith({ known_hosts: file }),
        /pg1 \(\S+\) shows the host key ssh-ed25519 SHA256:\S+, which is in no known_hosts file/u,
        /→ compare the fingerprint.*ssh-keyscan.*accept-new/u,
      );
      expect(await readFile(file, 'utf8')).toBe('');
    });

    it('accepts and records it when configured to, and recognises it later', async () => {
      const file = join(cluster.directory, 'known_new');
      await cluster.write({ ssh: { known_hosts: file, host_key_policy: 'accept-new' } });
      expect((await cluster.run('plan', '--role', 'base')).code).toBe(0);
      const recorded = await readFile(file, 'utf8');
      for (const { address } of cluster.hosts)
        expect(recorded).toMatch(new RegExp(`^${address.replaceAll('.', '\\.')} ssh-ed25519 `, 'mu'));
      await cluster.write({ ssh: { known_hosts: file, host_key_policy: 'strict' } });
      expect((await cluster.run('plan', '--role', 'base')).code).toBe(0);
      expect(await readFile(file, 'utf8')).toBe(recorded);
    });

    it('is refused when the key has changed, also when new ones are accepted', async () => {
      const file = join(cluster.directory, 'known_other');
      const other = (await readFile(join(cluster.directory, 'stranger_key.pub'), 'utf8')).split(' ').slice(0, 2).join(' ');
      const text = `${pg1.address} ${other}\n${await readFile(pg1.knownHostsFile, 'utf8')}`
        .split('\n')
        .filter((line) => !line.startsWith(`${pg1.address} `) || line.endsWith(other))
        .join('\n');
      await writeFile(file, text);
      for (const policy of ['strict', 'accept-new']) {
        const run = await applyWith({ known_hosts: file, host_key_policy: policy });
        await expectRefused(
          run,
          /pg1 \(\S+\) shows the host key ssh-ed25519 SHA256:\S+, but is known by ssh-ed25519 SHA256:\S+ at \S*known_other:1/u,
          /→ this may be a man in the middle.*ssh-keygen -R/u,
        );
        expect(await readFile(file, 'utf8')).toBe(text);
      }
    });
  });

  describe('over the network', () => {
    it('is refused when nothing listens on the port', async () => {
      await expectRefused(
        await applyWith({ port: 2222 }),
        /cannot connect to pg1 \(admin@\S+:2222\): nothing listens on port 2222 \(connection refused\)/u,
        /cannot connect to pg2/u,
      );
    });

    it('is refused when a name does not resolve', async () => {
      await cluster.write({ hosts: { pg1: pg1.address, pg2: 'pg2.nowhere.invalid' } });
      await expectRefused(
        await cluster.run('apply'),
        /cannot connect to pg2 .*: the name pg2\.nowhere\.invalid does not resolve from this machine/u,
      );
    });

    it('goes through a jump host', async () => {
      await cluster.write({ hosts: { pg1: pg1.address, pg2: { address: pg2.address, ssh: { jump: `admin@${pg1.address}` } } } });
      expect((await cluster.run('plan')).code).toBe(0);
      expect(await must(pg2, "journalctl -u ssh -o cat --no-pager | grep 'Accepted publickey for admin' | tail -n 1")).toContain(
        ` from ${pg1.address} `,
      );
    });

    it('names the jump host that refuses access', async () => {
      await cluster.write({ hosts: { pg1: pg1.address, pg2: { address: pg2.address, ssh: { jump: `admin@${pg1.address}:2222` } } } });
      await expectRefused(await cluster.run('apply'), /cannot reach pg2: jump host admin@\S+:2222: .*nothing listens on port 2222/u);
    });

    it('does nothing on the other hosts when one is down', async () => {
      await cluster.write({ ssh: { connect_timeout: 4 } });
      const before = await traces(pg1);
      await pg2.stop();
      try {
        const run = await cluster.run('apply');
        expect(run.code).toBe(3);
        expect(run.all).toMatch(/cannot connect to pg2 \(admin@\S+:22\): (?:no answer on port 22|there is no route)/u);
        expect(run.all).toMatch(/→ check/u);
        expect(await traces(pg1)).toEqual(before);
      } finally {
        await pg2.start();
      }
    });
  });

  describe('a connection cut in the middle of a script', () => {
    it.each(['admin', 'tty'])('is reported %s, with what was being done and what to do, and the next run finishes', async (user) => {
      await cluster.write({ ssh: { user } });
      // So that there is something to do again.
      await must(pg1, 'dpkg --purge curl');
      const lock = await holdPackageLock(pg1);
      const run = start(['apply', cluster.file, '--yes', '--role', 'base']);
      await run.printed(/waiting for the package manager/u);
      await must(pg1, `kill $(pgrep -u ${user} sshd)`);
      const cut = await run.finished;
      expect(cut.code).toBe(3);
      expect(cut.all).toMatch(/connection to pg1.* lost/u);
      expect(cut.all).toMatch(/→ .*run .*again/u);
      const again = start(['apply', cluster.file, '--yes', '--role', 'base']);
      await again.printed(/waiting/u);
      await lock.release();
      const done = await again.finished;
      expect(done.all).not.toContain('failed:');
      expect(done.code).toBe(0);
      expect(await must(pg1, 'curl --version')).toContain('curl');
      const policy = await pg1.exec('test -e /usr/sbin/policy-rc.d');
      expect(policy.code).toBe(1);
      expect((await pg1.exec(`pgrep -u ${user},root -x 'script|sudo'`)).stdout).toBe('');
      expect((await cluster.run('apply', '--role', 'base')).all).toContain('No changes');
    });
  });
});
