import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { faultyPgdg, type LabHost, publicKey } from '../lab/index.js';
import { describeInTurn } from '../support/family-turn.js';
import { TestCluster } from './support/cluster.js';
import { must } from './support/outside.js';
import { start, type Finished } from './support/pgprov.js';

const REPOSITORIES = '/etc/yum.repos.d/pgdg-pgprov.repo';

describeInTurn('sources of packages', 'Rocky', 'the source of packages on Rocky 9', () => {
  let cluster: TestCluster;
  let host: LabHost;
  let stranger: string;

  beforeAll(async () => {
    cluster = await TestCluster.start('itrocmir', 'rocky9', 1);
    host = cluster.host('pg1');
    stranger = (await publicKey('stranger')).fingerprint;
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  async function apply(pgdg: Record<string, unknown>, ...options: string[]): Promise<Finished> {
    await cluster.write({ roles: ['base', 'pgdg', 'postgresql'], pgdg });
    return cluster.run('apply', ...(options.length === 0 ? ['--role', 'pgdg'] : options));
  }

  describe('with a fault', () => {
    afterEach(async () => {
      expect((await host.exec(`[ -e ${REPOSITORIES} ]`)).code).toBe(1);
      // What the host had before still works.
      await must(host, 'dnf -y -q makecache --refresh </dev/null');
      expect(await must(host, 'ls /run/pgprov-work')).toBe('');
    });

    it('is not added when the mirror is down, and the mirror is named', async () => {
      const run = await apply({ base_url: faultyPgdg('down', 'el') });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/https:\/\/down\.lab\/pub\/repos\/yum\/common\/redhat\/rhel-9/u);
      expect(run.all).toMatch(/no repository was added; check the address \(pgdg\.base_url\)/u);
      expect(run.all).toMatch(/→ .*run the same command again/u);
    });

    it('is not added when the mirror does not sign', async () => {
      const run = await apply({ base_url: faultyPgdg('unsigned', 'el') });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/repomd\.xml\.asc|GPG/u);
      expect(run.all).toMatch(/pgprov-pgdg-common is https:\/\/unsigned\.lab/u);
    });

    it('is not added when the signature does not match', async () => {
      const run = await apply({ base_url: faultyPgdg('badsig', 'el') });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/Bad (?:GPG|PGP) signature|signature verification error/iu);
      expect(run.all).toMatch(/pgprov-pgdg-common is https:\/\/badsig\.lab/u);
    });

    it('is not added when the signature is made with another key', async () => {
      const run = await apply({ base_url: faultyPgdg('wrongkey', 'el') });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/signature|GPG|key/iu);
      expect(run.all).toMatch(/pgprov-pgdg-common is https:\/\/wrongkey\.lab/u);
    });

    it('accepts no key but the pinned one', async () => {
      await must(host, 'rm -f /etc/pki/rpm-gpg/PGDG-RPM-GPG-KEY-pgprov');
      const run = await apply({ key_url: `${faultyPgdg('wrongkey', 'el')}/keys/PGDG-RPM-GPG-KEY-RHEL` });
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/is not the pinned one/u);
      expect(run.all).toContain(stranger);
      expect((await host.exec('[ -e /etc/pki/rpm-gpg/PGDG-RPM-GPG-KEY-pgprov ]')).code).toBe(1);
    });
  });

  it('installs no package that the pinned key did not sign', async () => {
    const run = await apply({ base_url: faultyPgdg('wrongrpm', 'el') }, '--role', 'pgdg', '--role', 'postgresql');
    expect(run.code).toBe(1);
    expect(run.all).toMatch(/GPG|Public key|not signed|signature/iu);
    expect((await host.exec('rpm -q postgresql15-server')).code).toBe(1);
  });

  it('returns to the good mirror, and continues where it was', async () => {
    const run = await apply({}, '--role', 'pgdg', '--role', 'postgresql');
    expect(run.code).toBe(0);
    expect(await must(host, 'rpm -q postgresql15-server')).toContain('PGDG');
    const again = await apply({}, '--role', 'pgdg');
    expect(again.all).toContain('No changes');
  });

  it('waits for another package manager and says so', async () => {
    await must(host, 'rpm -q --quiet jq && dnf -y -q remove jq </dev/null; :');
    // dnf's lock is the number of a process that is alive.
    await must(host, 'systemd-run -q --unit=other-dnf sleep 600; systemctl show -p MainPID --value other-dnf >/var/lib/dnf/rpmdb_lock.pid');
    await cluster.write({ roles: ['base', 'pgdg', 'postgresql'], base: { prerequisites: ['jq'] } });
    const run = start(['apply', cluster.file, '--yes', '--role', 'base']);
    await run.printed(/waiting for the package manager's lock/u);
    await must(host, 'systemctl stop other-dnf');
    expect((await run.finished).code).toBe(0);
    await must(host, 'rpm -q jq');
  });
});
