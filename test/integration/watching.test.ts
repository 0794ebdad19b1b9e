import { execFile, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LabHost } from '../lab/index.js';
import { isThere } from '../support/shells.js';
import { patience } from '../support/patience.js';
import { TestCluster } from './support/cluster.js';
import { must, sql } from './support/outside.js';
import { pgprov, PROGRAM, start, type Finished } from './support/pgprov.js';

/** What follows logs on a host. */
const FOLLOWERS = "ps -eo args | grep -E '^(journalctl|tail) ' || :";

/** Runs pgprov with something on its input. */
function piped(input: string, ...args: string[]): Promise<Finished> {
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...process.env, NO_COLOR: '1' } });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, all: stdout + stderr })));
}

describe('commands that watch a cluster and work on it', () => {
  let cluster: TestCluster;

  beforeAll(async () => {
    cluster = await TestCluster.converged();
    // Leads in nobody's eyes but the inventory's.
    await cluster.write({ leader: 'pg2' });
  });

  afterAll(async () => cluster?.remove());

  const followers = async (host: LabHost): Promise<string[]> => (await must(host, FOLLOWERS)).split('\n').filter((line) => line !== '');

  describe('psql', () => {
    it('runs on the leader, with piped input, files and exit codes of this machine', async () => {
      const asked = await pgprov('psql', cluster.file, '--', '-Atc', "select pg_is_in_recovery(), current_user, 'it''s'");
      expect([asked.code, asked.stdout], asked.all).toEqual([0, "f|postgres|it's\n"]);
      expect((await piped('select 40 + 2;\nselect 43', 'psql', cluster.file, '--', '-At')).stdout).toBe('42\n43\n');
      await writeFile(join(cluster.directory, 'a file.sql'), "select 'from here';\n");
      expect((await pgprov('psql', cluster.file, '--', '-Atf', join(cluster.directory, 'a file.sql'))).stdout).toBe('from here\n');
      const failed = await piped('select nothing;', 'psql', cluster.file, '--', '-v', 'ON_ERROR_STOP=1');
      expect([failed.code, failed.stderr]).toEqual([3, expect.stringContaining('column "nothing" does not exist')]);
    });

    it('runs on a standby, or on the given host', async () => {
      const standby = await pgprov('psql', cluster.file, '--replica', '--', '-Atc', 'select pg_is_in_recovery()');
      expect([standby.code, standby.stdout], standby.all).toEqual([0, 't\n']);
      const slot = "select setting from pg_settings where name = 'primary_slot_name'";
      expect((await pgprov('psql', cluster.file, '--host', 'pg3', '--', '-Atc', slot)).stdout).toBe('pg3\n');
    });

    it.skipIf(!isThere('psql'))('runs on this machine with --local, and gets its password where nobody sees it', async () => {
      const leader = cluster.host('pg1');
      await must(leader, "sed -i '1i host all postgres 0.0.0.0/0 scram-sha-256' /var/lib/postgresql/17/main/pg_hba.conf");
      await sql(leader, 'select pg_reload_conf()');
      // psql's own child tells what psql was given.
      const shown =
        "\\! tr '\\0' '\\n' </proc/$PPID/cmdline; tr '\\0' '\\n' </proc/$PPID/environ\nselect inet_client_addr() is not null;\n";
      const local = await piped(shown, 'psql', cluster.file, '--local', '--', '-At');
      await must(leader, "sed -i '1d' /var/lib/postgresql/17/main/pg_hba.conf");
      await sql(leader, 'select pg_reload_conf()');
      expect(local.code, local.all).toBe(0);
      expect(local.stdout).toMatch(/PGPASSFILE=[\s\S]*\nt\n$/u);
      expect(local.all).not.toContain(await cluster.password('postgresql.superuser_password'));
    });
  });

  describe('ssh', () => {
    it('runs commands, as the login user or as root, and exits with their code', async () => {
      const named = await pgprov('ssh', cluster.file, 'pg2', '--', 'hostname; id -un; exit 7');
      expect([named.code, named.stdout], named.all).toEqual([7, 'pg2\nadmin\n']);
      expect((await pgprov('ssh', cluster.file, 'pg2', '--become', '--', 'printf', '%s|', "it's", '$HOME', 'a b')).stdout).toBe(
        "it's|$HOME|a b|",
      );
      expect((await piped('from here', 'ssh', cluster.file, 'pg3', '--become', '--', 'cat; id -u')).stdout).toBe('from here0\n');
    });

    it('trusts no host that the inventory does not know', async () => {
      await writeFile(join(cluster.directory, 'known'), '');
      const { code, all } = await pgprov(
        'ssh',
        cluster.file,
        'pg2',
        '--set',
        `ssh.known_hosts=${join(cluster.directory, 'known')}`,
        '--',
        'hostname',
      );
      expect(code, all).toBe(255);
      expect(all).toContain('Host key verification failed');
      expect(all).not.toContain('pg2\n');
    });
  });

  describe('logs', () => {
    it('cover all hosts and units, ordered by time', async () => {
      const { code, stdout, stderr } = await pgprov('logs', cluster.file, '--since', '1h', '--json');
      expect([code, stderr]).toEqual([0, '']);
      const lines = stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as { at: string; host: string; unit: string; line: string });
      expect([...new Set(lines.map(({ host, unit }) => `${host} ${unit}`))].sort()).toEqual(
        ['pg1', 'pg2', 'pg3'].flatMap((host) => ['etcd', 'patroni', 'postgresql'].map((unit) => `${host} ${unit}`)),
      );
      expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).sort());
    });

    it('show no secret, and no terminal control codes', async () => {
      const marked = async (): Promise<string> => {
        const { code, stdout } = await pgprov(
          'logs',
          cluster.file,
          '--unit',
          'postgresql',
          '--grep',
          'marked: \\*{3}',
          '--host',
          'pg1,pg2',
        );
        expect(code).toBe(0);
        return stdout;
      };
      const password = await cluster.password('postgresql.superuser_password');
      // A journald that is slow looks when the backend has ended, and cannot name its program.
      await must(cluster.host('pg1'), 'systemctl kill -s STOP systemd-journald');
      await sql(cluster.host('pg1'), `DO $$ BEGIN RAISE LOG 'marked: % %', '${password}', E'\\x1b[2Jgone'; END $$`);
      await must(cluster.host('pg1'), 'systemctl kill -s CONT systemd-journald');
      // journald reads what PostgreSQL wrote a moment later.
      await expect.poll(marked).toMatch(/^pg1 postgresql \| .*LOG: {2}marked: \*\*\* gone$/mu);
      expect(await marked()).not.toContain('\u001b');
      expect((await pgprov('logs', cluster.file, '--since', '1h')).stdout).not.toContain(password);
    });

    it('cover log files where PostgreSQL writes files', async () => {
      const data = '/var/lib/postgresql/17/main';
      const line = "$(date '+%F %T.%3N %Z') [1] LOG:  from a file";
      await must(
        cluster.host('pg3'),
        `mkdir -p ${data}/log; echo "${line}" >${data}/log/a.log; echo 'stderr log/a.log' >${data}/current_logfiles`,
      );
      const { stdout } = await pgprov('logs', cluster.file, '--unit', 'postgresql', '--grep', 'from a file', '-t');
      await must(cluster.host('pg3'), `rm -r ${data}/log ${data}/current_logfiles`);
      expect(stdout).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z pg3 postgresql \| .*from a file\n$/u);
    });

    it('are followed across a lost connection, and leave nothing running on a host, however they end', async () => {
      const leader = cluster.host('pg1');
      const run = start(['logs', cluster.file, '--follow', '--since', '1s']);
      await expect.poll(async () => (await followers(leader)).length, { timeout: patience(20_000) }).toBeGreaterThan(0);
      await sql(leader, "DO $$ BEGIN RAISE LOG 'followed %', 1; END $$");
      await run.printed(/followed 1\n/u);
      await must(leader, "pkill -f '^sshd.*admin'");
      await run.printed(/connection to pg1[\s\S]*was lost/u);
      await sql(leader, "DO $$ BEGIN RAISE LOG 'followed %', 2; END $$");
      await run.printed(/pg1 is back[\s\S]*followed 2\n/u);
      run.process.kill('SIGKILL');
      const { stdout } = await run.finished;
      expect(stdout.match(/followed \d/gu)).toEqual(['followed 1', 'followed 2']);
      for (const host of cluster.hosts) await expect.poll(() => followers(host), { timeout: patience(20_000) }).toEqual([]);
      const interrupted = start(['logs', cluster.file, '--follow', '--since', '1h']);
      await interrupted.printed(/patroni/u);
      interrupted.process.kill('SIGINT');
      expect((await interrupted.finished).code).toBe(0);
      for (const host of cluster.hosts) await expect.poll(() => followers(host), { timeout: patience(20_000) }).toEqual([]);
    });
  });

  describe('status', () => {
    it('is watched while a member goes and comes, and while its connection is lost', async () => {
      const run = start(['status', cluster.file, '--watch', '--interval', '500ms']);
      await run.printed(/healthy\n/u);
      await must(cluster.host('pg3'), 'systemctl stop patroni');
      await run.printed(/pg3: Patroni does not answer/u);
      await must(cluster.host('pg3'), "pkill -f '^sshd.*admin'; systemctl start patroni");
      const waited = await pgprov('status', cluster.file, '--until', 'healthy', '--interval', '500ms', '--timeout', '2m');
      expect([waited.code, waited.stdout], waited.all).toEqual([0, expect.stringMatching(/healthy\n$/u)]);
      await run.printed(/does not answer[\s\S]*✔ healthy\n/u);
      run.process.kill('SIGINT');
      expect((await run.finished).code).toBe(0);
    });

    it.skipIf(!isThere('tmux'))('is drawn in place on a terminal, which it leaves as it was', async () => {
      const tmux = async (...words: string[]): Promise<string> =>
        (await promisify(execFile)('tmux', ['-u', '-L', `pgprov-${process.pid}`, '-f', '/dev/null', ...words])).stdout;
      const screen = (): Promise<string> => tmux('capture-pane', '-p', '-t', 'watch');
      await tmux('new-session', '-d', '-x', '100', '-y', '30', '-s', 'watch', 'env -u CI PS1="ready> " bash --norc');
      try {
        const command = [process.execPath, PROGRAM, 'status', cluster.file, '--watch', '--interval', '1s'].join(' ');
        await tmux('send-keys', '-t', 'watch', `echo before; ${command}; echo "ended with $?"`, 'Enter');
        await expect.poll(screen, { timeout: patience(20_000) }).toMatch(/^every 1 s, Ctrl-C ends · healthy · seen/u);
        await tmux('resize-window', '-t', 'watch', '-x', '60', '-y', '10');
        await expect.poll(screen, { timeout: patience(20_000) }).toMatch(/^every 1 s[\s\S]*for which the window is too small\n$/u);
        await tmux('resize-window', '-t', 'watch', '-x', '100', '-y', '50');
        await tmux('send-keys', '-t', 'watch', 'C-c');
        const all = (): Promise<string> => tmux('capture-pane', '-p', '-S', '-100', '-t', 'watch');
        await expect.poll(all, { timeout: patience(20_000) }).toMatch(/before\n[\s\S]*✔ healthy\nended with 0\nready>/u);
      } finally {
        await tmux('kill-server');
      }
    });
  });

  it('work while a host is off, and say so', async () => {
    await cluster.host('pg3').kill();
    const asked = await pgprov('psql', cluster.file, '--', '-Atc', 'select pg_is_in_recovery()');
    expect([asked.code, asked.stdout], asked.all).toEqual([0, 'f\n']);
    const logs = await pgprov('logs', cluster.file, '--set', 'ssh.connect_timeout=5', '--since', '1h');
    expect(logs.code).toBe(3);
    expect(logs.stdout).toMatch(/^pg2 /mu);
    expect(logs.stderr).toContain('cannot connect to pg3');
    const waited = await pgprov('status', cluster.file, '--set', 'ssh.connect_timeout=5', '--until', 'healthy', '--timeout', '0', '--json');
    expect(waited.code).toBe(3);
    expect((JSON.parse(waited.stdout) as { problems: string[] }).problems.join()).toContain('pg3');
  });
});
