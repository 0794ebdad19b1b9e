import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from './support/cluster.js';
import { fingerprint, must, sql } from './support/outside.js';
import { pgprov, type Finished } from './support/pgprov.js';
import { patience } from '../support/patience.js';

describe('plan, selection and drift on Debian 13', () => {
  let cluster: TestCluster;

  const file = (name: string): string => join(cluster.directory, name);
  /** pgprov without the test's own `--yes`. */
  const bare = (command: string, ...args: string[]): Promise<Finished> => pgprov(command, ...args);

  beforeAll(async () => {
    cluster = await TestCluster.start('itplan', 'debian13', 3, 'packages');
    await cluster.write({ groups: { far: { hosts: ['pg2', 'pg3'] } } });
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  describe('a run for a part of a cluster that does not exist yet', () => {
    it('says which roles the host needs first', async () => {
      await must(cluster.host('pg1'), 'apt-get -qq -y purge postgresql-17 2>&1');
      const run = await bare('run', 'patroni', cluster.file, '--host', 'pg1');
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/pg1 {2}failed: patroni needs postgresql there first, beginning with: install postgresql-17/u);
      expect(run.all).toMatch(/→ select it as well: --role postgresql,patroni/u);
    });

    it('says which members etcd needs to begin', async () => {
      const run = await bare('apply', cluster.file, '--host', 'pg2', '--role', 'base,etcd');
      expect(run.code).toBe(1);
      expect(run.all).toMatch(
        /pg2 {2}failed: etcd needs 2 of its 3 members to start, and pg1 and pg3 neither run nor are part of this run/u,
      );
    });

    it('says that the first leader is missing', async () => {
      const run = await bare('plan', cluster.file, '--group', 'far');
      expect(run.code).toBe(1);
      expect(run.all).toMatch(/pg2: the cluster does not exist yet, and its first leader pg1 is not part of this run/u);
    });

    it('lists hosts and roles when nothing matches', async () => {
      const run = await bare('apply', cluster.file, '--group', 'fra');
      expect(run.code).toBe(2);
      expect(run.all).toMatch(/there is no group "fra"\n.*did you mean far\? the groups are far/u);
    });
  });

  describe('a plan in a file', () => {
    it('announces a new cluster, with its exit code', async () => {
      const plan = await bare('plan', cluster.file, '--detailed-exitcode', '-o', file('plan.json'));
      expect(plan.code).toBe(6);
      expect(plan.stdout).toMatch(/start patroni \(projected\)/u);
      expect(plan.stdout).toMatch(/• etcd starts on pg1, pg2 and pg3\n• patroni starts on pg1, then on pg2 and pg3/u);
      expect((await stat(file('plan.json'))).mode & 0o777).toBe(0o600);
    });

    it('is carried out', async () => {
      const run = await bare('apply', file('plan.json'));
      expect(run.all).not.toContain('error:');
      expect(run.code).toBe(0);
      expect(await sql(cluster.host('pg1'), "select count(*) from pg_stat_replication where state = 'streaming'")).toBe('2');
      expect((await bare('plan', cluster.file, '--detailed-exitcode')).code).toBe(0);
    });

    it('has nothing left to do the second time', async () => {
      const again = await bare('apply', file('plan.json'));
      expect(again.code).toBe(0);
      expect(again.all).toContain('No changes');
    });

    it('shows no secret', async () => {
      const plan = await bare('plan', cluster.file, '--set', 'postgresql.parameters.work_mem=8MB', '-o', file('work.json'));
      const kept = await readFile(file('work.json'), 'utf8');
      for (const path of ['postgresql.superuser_password', 'replication.password', 'patroni.rewind_password', 'patroni.restapi_password']) {
        const password = await cluster.password(path);
        expect(password).toMatch(/^.{32}$/u);
        expect(plan.all + kept).not.toContain(password);
      }
      const secret = await bare('plan', cluster.file, '--set', 'replication.password=not4anybody', '-o', file('secret.json'));
      expect(secret.code).toBe(2);
      expect(secret.all).toMatch(/a plan file holds no secrets/u);
      expect(secret.all).not.toContain('not4anybody');
    });

    it('is refused when a host has changed since', async () => {
      const before = await Promise.all(cluster.hosts.map(fingerprint));
      await must(cluster.host('pg2'), 'mv /etc/hosts /etc/hosts.kept && sed s/BEGIN/begin/ /etc/hosts.kept >/etc/hosts');
      const run = await bare('apply', file('work.json'));
      expect(run.code).toBe(4);
      expect(run.all).toMatch(
        /the hosts are not as they were when the plan was made:[\s\S]*pg2: write \/etc\/hosts \(not so in the plan\)/u,
      );
      await must(cluster.host('pg2'), 'mv /etc/hosts.kept /etc/hosts');
      expect(await Promise.all(cluster.hosts.map(fingerprint))).toEqual(before);
    });

    it('is refused when the inventory has changed since', async () => {
      const text = await readFile(cluster.file, 'utf8');
      await writeFile(cluster.file, `${text}# looked at\n`);
      const run = await bare('apply', file('work.json'));
      expect(run.code).toBe(4);
      expect(run.all).toMatch(/the inventory .*inventory\.yml changed since the plan was made/u);
      await writeFile(cluster.file, text);
    });

    it('accepts no other option, and is carried out when nothing has changed', async () => {
      const aimed = await bare('apply', file('work.json'), '--host', 'pg1');
      expect(aimed.code).toBe(2);
      expect(aimed.all).toMatch(/is a plan, and --host would change what it does/u);
      const run = await bare('apply', file('work.json'));
      expect(run.code).toBe(0);
      await expect.poll(() => sql(cluster.host('pg3'), 'show work_mem'), { timeout: patience(30_000) }).toBe('8MB');
    });
  });

  describe('a cluster that holds data', () => {
    it('is not changed without a yes', async () => {
      const before = await Promise.all(cluster.hosts.map(fingerprint));
      const run = await bare('apply', cluster.file);
      expect(run.code).toBe(2);
      expect(run.all).toMatch(/demo holds data, and there is no terminal to ask on/u);
      expect(run.all).toMatch(/→ nothing was changed; .*--yes/u);
      expect(await Promise.all(cluster.hosts.map(fingerprint))).toEqual(before);
    });

    it('is only read with --check, and shown with --diff', async () => {
      const before = await Promise.all(cluster.hosts.map(fingerprint));
      const check = await bare('apply', cluster.file, '--check');
      expect(check.code).toBe(0);
      expect(check.stdout).toMatch(/unset postgresql\.parameters\.work_mem \(is 8MB\)/u);
      expect(check.stdout).not.toContain('@@');
      const tagged = ['--set', 'patroni.tags.clonefrom=true'];
      expect((await bare('apply', cluster.file, '--check', ...tagged)).stdout).not.toContain('@@');
      expect((await bare('apply', cluster.file, '--check', '--diff', ...tagged)).stdout).toContain('@@');
      expect(await Promise.all(cluster.hosts.map(fingerprint))).toEqual(before);
    });

    it('is applied with a yes, as planned', async () => {
      const run = await cluster.run('apply');
      expect(run.code).toBe(0);
      // A dynamic parameter is one change, in etcd; patroni.yml stays as it is on all members.
      expect(run.all).toMatch(/Done in .*: 1 change on 1 host/u);
    });
  });

  describe('drift', () => {
    it('is absent, and prints nothing with --quiet', async () => {
      const drift = await bare('diff', cluster.file);
      expect([drift.code, drift.stdout]).toEqual([0, 'demo: no drift, 3 hosts are as the inventory says.\n']);
      expect((await bare('diff', cluster.file, '--quiet')).all).toBe('');
    });

    it('is reported with what differs, and corrected by one role on some hosts', async () => {
      await must(cluster.host('pg3'), 'echo ETCD_SNAPSHOT_COUNT=5 >>/etc/default/etcd');
      const drift = await bare('diff', cluster.file, '--quiet');
      expect(drift.code).toBe(6);
      expect(drift.stdout).toMatch(
        /demo: 1 difference on pg3; to put it right:\n\npg3 {2}1 change\n {2}etcd\/configure\n {4}~ write \/etc\/default\/etcd\n[\s\S]*-ETCD_SNAPSHOT_COUNT=5/u,
      );
      const run = await bare('run', 'etcd', cluster.file, '--host', 'pg*,!pg1', '--yes');
      expect(run.code).toBe(0);
      expect(run.all).toMatch(/Done in .*: 1 change on 1 host/u);
      expect((await bare('diff', cluster.file)).code).toBe(0);
    });

    it('is not reported for roles that are left out', async () => {
      await must(cluster.host('pg1'), 'sed -i s/BEGIN/begin/ /etc/hosts');
      expect((await bare('diff', cluster.file, '--skip-role', 'base')).code).toBe(0);
      expect((await bare('diff', cluster.file, '--group', 'far')).code).toBe(0);
      expect((await bare('diff', cluster.file, '--role', 'base')).code).toBe(6);
      expect((await cluster.run('apply', '--role', 'base')).code).toBe(0);
    });
  });
});
