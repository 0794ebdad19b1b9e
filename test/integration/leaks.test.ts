import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyPair, makeStore } from '../secrets/support.js';
import { TestCluster } from './support/cluster.js';
import { must, shellWord } from './support/outside.js';
import { start, type Finished } from './support/pgprov.js';
import { HostSampler, ProcessSampler } from './support/process-sampler.js';
import { formsOf, lineOfKey, secretsIn } from './support/secret-forms.js';

/** One of each source; those that people make up have what has to be quoted. */
const GIVEN = {
  inventory: `in the inventory: "it's" \\ 100% $HOME`,
  environment: 'from-the-environment-4711',
  file: `from 'a file' & <b> 4712`,
  store: 'in the store of secrets 4713',
  become: 'for-sudo-on-the-hosts-4714',
};

/** Files of pgprov's own that are there to hold secrets. */
const SECRET_FILES = /(?:^|\/)(?:passwords\.yml|password-rotation\.yml|[^/]+\.key)$/u;

describe('secrets, during the whole life of a cluster', () => {
  let cluster: TestCluster;
  const secrets = new Map<string, string>(Object.entries(GIVEN));
  const runs: { name: string; run: Finished }[] = [];
  let ours = '';
  let theirs: string[] = [];
  const at = (name: string): string => join(cluster.directory, name);

  /** Runs pgprov, and keeps what it printed and what could be seen of it and what it starts. */
  async function live(...args: string[]): Promise<Finished> {
    const running = start(args, { LEAK_RESTAPI: GIVEN.environment, PGPROV_AGE_KEY_FILE: at('identity.txt'), TMPDIR: at('tmp') });
    const sampler = new ProcessSampler(running.process.pid ?? 0, ['LEAK_RESTAPI']);
    const run = await running.finished;
    ours += sampler.stop();
    runs.push({ name: args.slice(0, 3).join(' '), run });
    return run;
  }

  const write = (parameters: object): Promise<string> =>
    cluster.write({
      ssh: { user: 'asks', become_password: GIVEN.become },
      postgresql: {
        superuser_password: GIVEN.inventory,
        parameters: { log_statement: 'all', log_min_duration_statement: 0, ...parameters },
      },
      replication: { password: { age: 'secrets.age', key: 'replication' } },
      patroni: { restapi_password: { env: 'LEAK_RESTAPI' } },
    });

  const inPgprov = (...path: string[]): string => at(join('.pgprov', 'demo', ...path));

  /** What pgprov has made up so far. */
  function learn(moment: string): void {
    secrets.set(`rewind ${moment}`, /^patroni\.rewind_password: (.*)$/mu.exec(readFileSync(inPgprov('passwords.yml'), 'utf8'))?.[1] ?? '');
    for (const file of filesBelow(inPgprov('pki')).filter((name) => name.endsWith('.key')))
      secrets.set(`${relative(inPgprov('pki'), file)} ${moment}`, lineOfKey(readFileSync(file, 'utf8')));
  }

  beforeAll(async () => {
    cluster = await TestCluster.start('leaks', 'debian13', 2, 'packages');
    for (const host of cluster.hosts) expect((await host.exec('chpasswd', { input: `asks:${GIVEN.become}\n` })).code).toBe(0);
    const me = await keyPair();
    secrets.set('age identity', me.identity);
    await mkdir(at('tmp'));
    await writeFile(at('identity.txt'), `${me.identity}\n`, { mode: 0o600 });
    await makeStore(cluster.directory, { replication: GIVEN.store }, me);
    await writeFile(at('become.password'), `${GIVEN.become}\n`, { mode: 0o600 });
    const file = await write({});
    const samplers = cluster.hosts.map((host) => new HostSampler(host));

    const first = await live('apply', file, '--yes', '--output', 'json', '--timings', '--report', at('first.html'));
    expect(first.code, first.all).toBe(0);
    learn('at first');

    await write({ work_mem: '9MB' });
    expect((await live('plan', file, '-o', at('plan.json'))).stdout).toContain('work_mem');
    await live('diff', file);
    // So that there are diffs of files with secrets, and a step that fails at one.
    await write({ work_mem: '9MB', application_name: 'x' });
    for (const host of cluster.hosts)
      await must(
        host,
        'mv /usr/bin/chown /usr/bin/chown.away; echo "# drift" >>/etc/patroni/config.yml; echo "*:1:*:x:y" >>/var/lib/postgresql/.pgpass',
      );
    const failed = await live('apply', file, '--yes', '--diff', '--output', 'tree', '--report', at('failed.html'));
    expect([failed.code, failed.all]).toEqual([1, expect.stringContaining('chown')]);
    for (const host of cluster.hosts) await must(host, 'mv /usr/bin/chown.away /usr/bin/chown');
    expect((await live('apply', file, '--yes', '--timings')).code).toBe(0);

    for (const name of ['rewind', 'replication']) {
      const rotated = await live('secrets', 'rotate', name, file, '--yes');
      expect(rotated.code, rotated.all).toBe(0);
    }
    expect((await live('certs', 'renew', file, '--all', '--yes')).code).toBe(0);
    learn('at last');
    for (const words of [
      ['status', file],
      ['status', file, '--json'],
      ['show', file],
      ['ping', file],
      ['validate', file],
      ['runs', file, '--json'],
      ['runs', 'show', file, 'last'],
      ['runs', 'show', file, 'last', '--json'],
      ['secrets', 'list', '-f', at('secrets.age')],
      ['certs', 'status', file],
    ])
      await live(...words);
    await live('apply', file, '--yes', '--set', `patroni.rewind_password=${'short'}`, '--check');
    theirs = await Promise.all(samplers.map((sampler) => sampler.stop()));
    const { SecretStore } = await import('../../src/store/secret-store.js');
    const { keysOf } = await import('../secrets/support.js');
    const store = await SecretStore.open(at('secrets.age'), keysOf(me));
    secrets.set('store after the rotation', store.get('replication')?.reveal() ?? '');
    await store.close();
  });

  afterAll(() => cluster?.remove());

  it('are known to this test', () => {
    expect([...secrets].filter(([, secret]) => secret.length < 8)).toEqual([]);
    expect(new Set(secrets.values()).size).toBeGreaterThan(10);
    expect(secrets.get('rewind at first')).not.toBe(secrets.get('rewind at last'));
    expect(secrets.get('store after the rotation')).not.toBe(GIVEN.store);
  });

  it('would be found', async () => {
    const canary = `a canary's "song" \\ ${process.pid}`;
    const known = new Map([['canary', canary]]);
    for (const text of [
      canary,
      JSON.stringify({ canary }),
      `x${Buffer.from(`user:${canary}`).toString('base64')}`,
      Buffer.from(canary).toString('hex'),
      encodeURIComponent(canary),
      shellWord(canary),
    ]) {
      expect(secretsIn(`before ${text} after`, known), text).toEqual(['canary']);
    }
    expect(secretsIn('nothing of it', known)).toEqual([]);
    const here = spawn('sh', ['-c', 'sh -c "sleep 0.3; :" canary "$CANARY" & wait'], {
      env: { PATH: process.env['PATH'], CANARY: canary },
    });
    const sampler = new ProcessSampler(here.pid ?? 0);
    await new Promise((resolve) => here.on('close', resolve));
    expect(secretsIn(sampler.stop(), known)).toEqual(['canary']);
    const [host] = cluster.hosts;
    if (host === undefined) throw new Error('no host');
    const there = new HostSampler(host);
    for (const how of ['sh -c "sleep 0.3; :" "$canary"', 'CANARY="$canary" sleep 0.3'])
      await host.exec(`read -r canary; ${how}`, { input: `${canary.replaceAll('\\', '\\\\')}\n` });
    expect(secretsIn(await there.stop(), known)).toEqual(['canary']);
  });

  it('appear in nothing that is printed', () => {
    expect(runs.flatMap(({ name, run }) => secretsIn(run.all, secrets).map((secret) => `${name}: ${secret}`))).toEqual([]);
    expect(runs.map(({ run }) => run.all).join('')).toContain('***');
  });

  it('appear in no process list on the control machine', () => {
    expect(ours).toContain('openssl');
    expect(secretsIn(ours, secrets)).toEqual([]);
  });

  it('appear in no process list on a host', () => {
    for (const seen of theirs) {
      expect(seen).toContain('psql');
      expect(secretsIn(seen, secrets)).toEqual([]);
    }
  });

  it('are in no local file except their own, which only their owner reads', () => {
    const given = new Set(['inventory.yml', 'identity.txt', 'become.password']);
    const found = filesBelow(cluster.directory)
      .map((path) => ({ name: relative(cluster.directory, path), path }))
      .filter(({ name }) => !given.has(name));
    expect(found.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['first.html', 'failed.html', 'plan.json', '.pgprov/demo/passwords.yml']),
    );
    expect(found.filter(({ name }) => name.startsWith('.pgprov/demo/runs/')).length).toBeGreaterThan(3);
    expect(found.filter(({ name }) => name.startsWith('tmp/'))).toEqual([]);
    for (const { name, path } of found) {
      if (SECRET_FILES.test(name)) expect((statSync(path).mode & 0o777).toString(8), name).toBe('600');
      else expect(secretsIn(readFileSync(path, 'latin1'), secrets), name).toEqual([]);
    }
  });

  it('are in no file, log or journal of a host except their own', async () => {
    const patterns = [...secrets.values()]
      .flatMap(formsOf)
      .map((form) => `${form}\n`)
      .join('');
    for (const host of cluster.hosts) {
      await host.exec('cat >/root/patterns', { input: patterns });
      const holding = (
        await host.exec(
          'grep -rlaF -f /root/patterns /etc /var /run /tmp /home /root /opt /srv /usr/local 2>/dev/null | grep -vx /root/patterns',
        )
      ).stdout
        .trim()
        .split('\n')
        .sort();
      expect(holding).toEqual([
        '/etc/etcd/tls/node.key',
        '/etc/patroni/config.yml',
        '/etc/patroni/tls/node.key',
        '/var/lib/postgresql/.pgpass',
        ...holding.filter((path) => path === '/var/lib/postgresql/.pgpass_patroni'),
      ]);
      expect(await must(host, `stat -c %a ${holding.join(' ')} | sort -u`)).toBe('600');
      // The journal's files may be compressed.
      expect((await host.exec('journalctl -a -o export --no-pager | grep -caF -f /root/patterns')).stdout.trim()).toBe('0');
      expect(
        Number(await must(host, "journalctl -o cat --no-pager | grep -cE 'statement: .*ALTER ROLE|LOG:  statement' || :")),
      ).toBeGreaterThan(0);
      await must(host, 'rm /root/patterns');
    }
  });
});

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : entry.isFile() ? [path] : [];
  });
}
