import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TestCluster } from '../integration/support/cluster.js';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov, start } from '../integration/support/pgprov.js';
import { CLIENT, withClient } from '../integration/support/written-cluster.js';
import type { LabHost, System } from '../lab/index.js';
import { SELINUX_MODE } from '../lab/selinux.js';
import { patience } from '../support/patience.js';
import { SteadyClient } from '../walk/steady-client.js';

const HOOK = fileURLToPath(new URL('../integration/support/interrupt.mjs', import.meta.url));

const ROLES = ['base', 'firewall', 'pgdg', 'postgresql', 'replication', 'etcd', 'patroni'];
const DATABASES = [
  { name: 'postgres_session', database: 'postgres', pool_mode: 'session' },
  { name: 'postgres_read', database: 'postgres', read_only: true },
];

describe.each<System>(['debian13', 'rocky9'])('PgBouncer in front of three members, %s', (os) => {
  let cluster: TestCluster;
  let pools: [LabHost, LabHost];

  /** pg1 has a PgBouncer without HAProxy, pg2 both, pg3 HAProxy alone. */
  const write = (pgbouncer: Record<string, unknown> = {}, more: Record<string, Record<string, unknown>> = {}): Promise<string> => {
    const own: Record<string, string[]> = { pg1: ['pgbouncer'], pg2: ['haproxy', 'pgbouncer'], pg3: ['haproxy'] };
    const hosts = Object.fromEntries(
      cluster.hosts.map(({ name, address }) => [name, { address, roles: [...ROLES, ...(own[name] ?? [])] }]),
    );
    return cluster.write(withClient({ ...more, hosts, pgbouncer: { databases: DATABASES, ...pgbouncer } }));
  };
  /** What a client hears through a pool, from pg3; `! …` where it fails. */
  const through = async (
    pool: LabHost,
    query: string,
    { database = 'postgres', port = 6432, user = CLIENT.user, password = CLIENT.password, more = '' } = {},
  ): Promise<string> => {
    const dsn = `host=${pool.address} port=${port} user=${user} dbname=${database} connect_timeout=100 ${more}`;
    const { code, stdout, stderr } = await cluster.host('pg3').exec(`PGPASSWORD='${password}' psql -XAtq '${dsn}' -c "${query}"`);
    return code === 0 ? stdout.trim() : `! ${stderr.trim()}`;
  };
  const throughBoth = (query: string, options: Parameters<typeof through>[2] = {}): Promise<string[]> =>
    Promise.all(pools.map((pool) => through(pool, query, options)));
  const statusLines = async (): Promise<string[]> => {
    const { stdout } = await cluster.run('status', '--json');
    const { services } = JSON.parse(stdout) as { services: { host: string; role: string; text: string }[] };
    return services.filter(({ role }) => role === 'pgbouncer').map(({ host, text }) => `${host} ${text}`);
  };
  const onConsole = (pool: LabHost, command: string, port = 6432): Promise<string> =>
    must(
      pool,
      `runuser -u ${os === 'rocky9' ? 'pgbouncer' : 'postgres'} -- psql -XAtqw -h /run/pgbouncer -p ${port} -U pgbouncer pgbouncer -c '${command}'`,
    );

  beforeAll(async () => {
    cluster = await TestCluster.converged(os);
    if (os === 'rocky9') for (const host of cluster.hosts) await must(host, `echo Enforcing >${SELINUX_MODE}`);
    pools = [cluster.host('pg1'), cluster.host('pg2')];
    await write();
  });

  afterAll(async () => {
    await cluster?.remove();
  });

  it('pools connections of roles that PostgreSQL is asked about, to the leader and to replicas', async () => {
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    const { user, password } = CLIENT;
    // Made after PgBouncer, and no file was touched.
    await sql(cluster.host('pg1'), `CREATE ROLE ${user} LOGIN PASSWORD '${password}'; GRANT CREATE ON SCHEMA public TO ${user}`);
    await expect.poll(() => throughBoth('select pg_is_in_recovery()'), { timeout: patience(20_000) }).toEqual(['f', 'f']);
    await expect
      .poll(() => throughBoth('select pg_is_in_recovery()', { database: 'postgres_read' }), { timeout: patience(20_000) })
      .toEqual(['t', 't']);
    expect(await throughBoth('select current_user', { database: 'postgres_session' })).toEqual([user, user]);
    // A transaction pool shares one server process between clients that come one after the other.
    const [first] = pools;
    const process = await through(first, 'select pg_backend_pid()');
    expect(await through(first, 'select pg_backend_pid()')).toBe(process);
    await sql(cluster.host('pg1'), `ALTER ROLE ${user} PASSWORD 'another-one'`);
    expect(await through(first, 'select 1', { password: 'another-one' })).toBe('1');
    expect(await through(first, 'select 1')).toMatch(/^! .*(?:authentication failed|SASL)/u);
    await sql(cluster.host('pg1'), `ALTER ROLE ${user} PASSWORD '${password}'`);
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('tells passwords to nobody, and has its console for its own user alone', async () => {
    const [first] = pools;
    const secret = await cluster.password('pgbouncer.auth_password');
    for (const pool of pools) {
      expect(await must(pool, 'stat -c "%a %U" /etc/pgbouncer/userlist.txt /etc/pgbouncer/pgbouncer.ini')).toBe(
        os === 'rocky9' ? '600 pgbouncer\n600 pgbouncer' : '600 postgres\n600 postgres',
      );
      expect(await must(pool, 'cat /etc/pgbouncer/pgbouncer.ini')).not.toContain(secret);
    }
    const { stdout } = await pgprov('secrets', 'get', 'pgbouncer', cluster.file, '--yes');
    expect(stdout).toBe(`${secret}\n`);
    expect(await through(first, 'show pools', { database: 'pgbouncer' })).toMatch(/^! .*(?:not allowed|denied)/u);
    expect(await through(first, 'select 1', { user: 'postgres', password: 'postgres' })).toMatch(/^! /u);
    const asked = "select count(*) from pgprov_pgbouncer.find_login('clerk')";
    expect(await through(first, asked.replaceAll("'", "\\'"))).toMatch(/^! /u);
    expect(await through(first, asked, { user: 'pgbouncer_auth', password: secret })).toBe('1');
    const superuser = asked.replace('clerk', 'postgres');
    expect(await through(first, superuser, { user: 'pgbouncer_auth', password: secret })).toBe('0');
    // What somebody granted is taken back.
    await sql(
      cluster.host('pg1'),
      'GRANT USAGE ON SCHEMA pgprov_pgbouncer TO clerk; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA pgprov_pgbouncer TO clerk',
    );
    expect(await through(first, asked)).toBe('1');
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await through(first, asked)).toMatch(/^! .*permission denied/u);
  });

  it('is shown by status: where it leads, its pools, and that they are paused', async () => {
    expect((await statusLines())[0]).toBe('pg1 leads to pg1');
    expect((await statusLines()).filter((line) => line.startsWith('pg2'))).toEqual([
      'pg2 leads to pg1',
      expect.stringMatching(/^pg2 \d+ pools? in use, \d+ clients? and 0 waiting, \d+ connections? to PostgreSQL$/u),
    ]);
    await onConsole(pools[1], 'PAUSE');
    const told = await cluster.run('status');
    expect(told.code).toBe(1);
    expect(told.all).toMatch(/pg2.*its pools are paused, so clients wait/u);
    const waiting = through(pools[1], 'select 5');
    const applied = await cluster.run('apply');
    expect(applied.all).toContain('resume the pools of PgBouncer, which are paused');
    expect(applied.code).toBe(0);
    expect(await waiting).toBe('5');
  });

  it('takes changes without a connection lost', async () => {
    const [, second] = pools;
    const session = through(second, 'begin; select 1; select pg_sleep(15); select 7; commit');
    await expect
      .poll(
        () => sql(cluster.host('pg1'), "select count(*) from pg_stat_activity where query like '%pg_sleep(15)%' and usename = 'clerk'"),
        {
          timeout: patience(20_000),
        },
      )
      .toBe('1');
    await write({ default_pool_size: 7 });
    const planned = await cluster.run('plan');
    expect(planned.all).toMatch(/reload pgbouncer[^]*write \/etc\/pgbouncer\/pgbouncer\.ini/u);
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await onConsole(second, 'SHOW CONFIG')).toMatch(/^default_pool_size\|7\|/mu);
    expect(await session).toContain('7');
    // What somebody wrote there and had taken up is out of force again.
    await must(second, 'sed -i s/default_pool_size.*/default_pool_size=9/ /etc/pgbouncer/pgbouncer.ini && systemctl reload pgbouncer');
    await expect.poll(() => onConsole(second, 'SHOW CONFIG'), { timeout: patience(20_000) }).toMatch(/^default_pool_size\|9\|/mu);
    expect((await cluster.run('apply')).code).toBe(0);
    expect(await onConsole(second, 'SHOW CONFIG')).toMatch(/^default_pool_size\|7\|/mu);
  });

  /** Logs in anew through both pools, again and again; `stop` gives how often that went well, and what was said where it did not. */
  const logins = (): { stop(): Promise<{ well: number; failed: string[] }> } => {
    const { user, password } = CLIENT;
    const [pg3, ways] = [cluster.host('pg3'), pools.map(({ address }) => address).join(' ')];
    const loop = pg3.exec(`rm -f /tmp/enough; for way in ${ways}; do
while [ ! -e /tmp/enough ]; do PGPASSWORD='${password}' PGCONNECT_TIMEOUT=60 psql -XAtq -h "$way" -p 6432 -U ${user} postgres -c 'select 1' 2>&1; done &
done; wait`);
    return {
      stop: async () => {
        await must(pg3, 'touch /tmp/enough');
        const lines = (await loop).stdout.trim().split('\n');
        return { well: lines.filter((line) => line === '1').length, failed: lines.filter((line) => line !== '1') };
      },
    };
  };
  const rotate = (env: Record<string, string> = {}): ReturnType<typeof start> =>
    start(['secrets', 'rotate', 'pgbouncer', cluster.file, '--yes', '--output', 'json'], env);

  it('gets another password of its own while clients log in, and none of them fails', async () => {
    const former = await cluster.password('pgbouncer.auth_password');
    const clients = logins();
    const rotated = await pgprov('secrets', 'rotate', 'pgbouncer', cluster.file, '--yes');
    const { well, failed } = await clients.stop();
    expect(rotated.code, rotated.all).toBe(0);
    expect(rotated.stdout).toContain('the new password is in force on pg1 and pg2');
    expect(failed).toEqual([]);
    expect(well).toBeGreaterThan(10);
    const password = await cluster.password('pgbouncer.auth_password');
    expect(password).not.toBe(former);
    for (const pool of pools) {
      expect(await must(pool, 'cat /etc/pgbouncer/userlist.txt')).toContain(password);
      // A new connection for it, and PgBouncer has it by heart.
      await onConsole(pool, 'RECONNECT');
      expect(await through(pool, 'select 1')).toBe('1');
      expect(await through(pool, 'select 1', { user: 'pgbouncer_auth', password })).toBe('1');
      expect(await through(pool, 'select 1', { user: 'pgbouncer_auth', password: former })).toMatch(/^! .*authentication failed/u);
    }
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('has the same password everywhere when the run that changes it is killed, and no login fails', async () => {
    for (const nth of [1, 2, 3, 5]) {
      const former = await cluster.password('pgbouncer.auth_password');
      const clients = logins();
      const killed = await rotate({
        NODE_OPTIONS: `--import=${HOOK}`,
        INTERRUPT_AT: JSON.stringify([{ stage: 'secrets rotate/change', moment: 'nth', nth }]),
      }).finished;
      expect(killed.signal, `event ${nth}\n${killed.all}`).toBe('SIGKILL');
      const finished = await rotate().finished;
      expect(finished.code, `event ${nth}\n${finished.all}`).toBe(0);
      const { well, failed } = await clients.stop();
      expect(failed, `event ${nth}`).toEqual([]);
      expect(well).toBeGreaterThan(5);
      expect(await cluster.password('pgbouncer.auth_password')).not.toBe(former);
      expect(await pausedPools()).toEqual(['no', 'no']);
    }
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('presents new certificates at once, and trusts a new authority, without a connection lost', async () => {
    await write({ tls: 'offered' }, { postgresql: { tls: true } });
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    const presented = (): Promise<string[]> =>
      Promise.all(
        pools.map((pool) =>
          must(
            cluster.host('pg3'),
            `openssl s_client -starttls postgres -connect ${pool.address}:6432 </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256`,
          ),
        ),
      );
    const inFiles = (): Promise<string[]> =>
      Promise.all(pools.map((pool) => must(pool, 'openssl x509 -noout -fingerprint -sha256 -in /etc/pgbouncer/tls/node.crt')));
    const certs = async (...words: string[]): Promise<string> => {
      const { code, all } = await pgprov('certs', ...words, cluster.file, ...(words[0] === 'renew' ? ['--yes'] : []));
      expect(code, all).toBe(0);
      return all;
    };
    const clients = await steadyClients();
    try {
      const former = await presented();
      expect(await inFiles()).toEqual(former);
      await certs('renew', '--all');
      const renewed = await presented();
      expect(renewed.some((print) => former.includes(print))).toBe(false);
      expect(await inFiles()).toEqual(renewed);
      expect(await certs('status')).toMatch(/^pg2 +pgbouncer .* yes /mu);
      await certs('renew', '--ca');
      expect((await presented()).some((print) => renewed.includes(print))).toBe(false);
      expect(await certs('status')).toMatch(/^pg1 +pgbouncer .* yes /mu);
      // New connections to servers whose certificates are of the new authority.
      for (const pool of pools) await onConsole(pool, 'RECONNECT');
      expect(await throughBoth('select 1')).toEqual(['1', '1']);
      // A pair that somebody put there, and that PgBouncer has not read.
      const [first] = pools;
      const pair = 'openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other -days 9 -keyout node.key -out node.crt 2>/dev/null';
      await must(
        first,
        `cd /etc/pgbouncer/tls && cp -a node.crt /tmp/own.crt && ${pair.replaceAll('node.', '/tmp/other.')} && cat /tmp/other.crt >node.crt`,
      );
      const told = await cluster.run('status');
      expect([told.code, told.all]).toEqual([1, expect.stringMatching(/pg1.*it does not present its certificate/u)]);
      expect((await cluster.run('apply')).code).toBe(0);
      expect(await inFiles()).toEqual(await presented());
      await Promise.all(clients.map((client) => client.moves()));
      expect(clients.map(({ errors }) => errors)).toEqual([[], [], []]);
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
    }
  });

  it('trusts a new authority of the servers where its own clients do not use TLS', async () => {
    await write({}, { postgresql: { tls: true } });
    expect((await cluster.run('apply')).code).toBe(0);
    const rotated = await pgprov('certs', 'renew', '--ca', cluster.file, '--yes');
    expect(rotated.code, rotated.all).toBe(0);
    for (const pool of pools) await onConsole(pool, 'RECONNECT');
    expect(await throughBoth('select ssl from pg_stat_ssl where pid = pg_backend_pid()')).toEqual(['t', 't']);
    const status = await pgprov('certs', 'status', cluster.file);
    expect([status.code, status.all]).toEqual([0, expect.stringMatching(/^pg1 +pgbouncer .* yes /mu)]);
    await write();
    expect((await cluster.run('apply')).code).toBe(0);
  });

  it('takes every variable while it runs', async () => {
    const changed = {
      port: 6500,
      pool_mode: 'session',
      databases: [{ name: 'other', database: 'postgres', pool_mode: 'transaction', pool_size: 3 }],
      max_client_conn: 321,
      default_pool_size: 8,
      max_db_connections: 31,
      max_prepared_statements: 55,
      query_wait_timeout: 77,
      tls: 'required',
      tls_names: ['pool.example.com'],
      auth_username: 'asks_for_logins',
      auth_password: 'a-pass$1-&wordé'.replace('é', ''),
    };
    await write(changed, { postgresql: { tls: true } });
    const planned = await cluster.run('plan');
    expect(planned.all).toContain('restart pgbouncer (its configuration changed)');
    const applied = await cluster.run('apply');
    expect(applied.code, applied.all).toBe(0);
    for (const pool of pools) {
      const shown = await onConsole(pool, 'SHOW CONFIG', 6500);
      for (const [name, value] of Object.entries({
        ...changed,
        auth_user: changed.auth_username,
        client_tls_sslmode: 'require',
        listen_port: 6500,
      })) {
        if (!['port', 'databases', 'tls', 'tls_names', 'auth_username', 'auth_password'].includes(name))
          expect(shown).toContain(`\n${name}|${String(value)}|`);
      }
      expect(await onConsole(pool, 'SHOW DATABASES', 6500)).toMatch(/^other\|.*\|postgres\|.*\|3\|.*\|transaction\|/mu);
      const names = await must(pool, 'openssl x509 -noout -ext subjectAltName -in /etc/pgbouncer/tls/node.crt');
      expect(names).toContain('DNS:pool.example.com');
    }
    // A client finds its way by what dsn prints, and sees the certificate of the authority.
    const { stdout } = await pgprov(
      'dsn',
      cluster.file,
      '--user',
      CLIENT.user,
      '--sslrootcert',
      '/etc/pgprov-test-ca.crt',
      '--format',
      'libpq',
    );
    expect(stdout).toContain('sslmode=verify-full');
    await must(cluster.host('pg1'), 'cp /etc/pgbouncer/tls/ca.crt /etc/pgprov-test-ca.crt; chmod 644 /etc/pgprov-test-ca.crt');
    const asked = `PGPASSWORD=${CLIENT.password} psql -XAtc "select ssl from pg_stat_ssl where pid = pg_backend_pid()" '${stdout.trim().replaceAll("'", '')}'`;
    expect(await must(cluster.host('pg1'), asked)).toBe('t');
    expect(await through(pools[0], 'select 1', { port: 6500, more: 'sslmode=disable' })).toMatch(/^! .*SSL required/u);
    expect(await through(pools[0], 'select 1', { port: 6432 })).toMatch(/^! .*(?:refused|No route)/u);
    await write();
    expect((await cluster.run('apply')).code).toBe(0);
    await expect.poll(() => throughBoth('select 1'), { timeout: patience(20_000) }).toEqual(['1', '1']);
  });

  const leading = async (): Promise<string> =>
    (await describeMembers(cluster.host('pg1')).catch(() => [])).find((line) => line.endsWith('Leader running'))?.split(' ')[0] ?? '';
  /** Clients with one connection each, through both pools: of writers, and of a reader of the replicas. */
  const steadyClients = async (): Promise<SteadyClient[]> => {
    const made = 'CREATE TABLE IF NOT EXISTS steady (id bigserial PRIMARY KEY)';
    expect(await through(pools[0], made)).toBe('');
    const insert = 'INSERT INTO steady DEFAULT VALUES RETURNING id';
    const access = (pool: LabHost): { addresses: string[]; port: number; user: string; password: string } => ({
      addresses: [pool.address],
      port: 6432,
      ...CLIENT,
    });
    return Promise.all([
      ...pools.map((pool) => SteadyClient.start(access(pool), insert)),
      SteadyClient.start(access(pools[1]), 'SELECT 7', 'postgres_read'),
    ]);
  };
  const pausedPools = async (): Promise<string[]> =>
    (await Promise.all(pools.map((pool) => onConsole(pool, 'SHOW STATE')))).map((state) => /^paused\|(.*)$/mu.exec(state)?.[1] ?? '');

  it('holds clients up over a switchover and a rolling restart, and none of them sees an error', async () => {
    const clients = await steadyClients();
    try {
      const from = await leading();
      const switched = await pgprov('switchover', cluster.file, '--pause-pools', '--yes');
      expect(switched.code, switched.all).toBe(0);
      expect(await leading()).not.toBe(from);
      await Promise.all(clients.map((client) => client.moves()));
      const waits = clients.map(({ longestWait }) => longestWait);
      expect(clients.map(({ errors }) => errors)).toEqual([[], [], []]);
      const restarted = await pgprov('restart', cluster.file, '--pause-pools', '--yes');
      expect(restarted.code, restarted.all).toBe(0);
      await Promise.all(clients.map((client) => client.moves()));
      expect(clients.map(({ errors }) => errors)).toEqual([[], [], []]);
      console.info(`longest waits: ${waits.join(', ')} ms, then ${clients.map(({ longestWait }) => longestWait).join(', ')} ms`);
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
    }
    expect(await pausedPools()).toEqual(['no', 'no']);
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
  });

  it('goes no further where a transaction does not end, and clients are served again', async () => {
    const from = await leading();
    const open = through(pools[1], 'begin; select 1; select pg_sleep(60); commit');
    await expect
      .poll(
        () => sql(cluster.host(from), "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%' and usename = 'clerk'"),
        {
          timeout: patience(20_000),
        },
      )
      .toBe('1');
    const refused = await pgprov('switchover', cluster.file, '--pause-pools', '--yes');
    expect(refused.all).toContain('transactions did not end within');
    expect(refused.all).toContain('clerk on postgres');
    expect(refused.code).not.toBe(0);
    expect(await leading()).toBe(from);
    expect(await pausedPools()).toEqual(['no', 'no']);
    await pgprov('switchover', cluster.file, '--give-up');
    await open;
  });

  it('leaves no pool paused when pgprov is killed: the same command goes on, and the host would resume by itself', async () => {
    const clients = await steadyClients();
    try {
      const run = start(['switchover', cluster.file, '--pause-pools', '--yes']);
      await expect.poll(pausedPools, { timeout: patience(60_000), interval: 50 }).toContain('yes');
      run.process.kill('SIGKILL');
      await run.finished;
      const [first] = pools;
      expect(await must(first, 'systemctl is-active pgprov-pools-resume.service')).toBe('active');
      const on = await pgprov('switchover', cluster.file, '--pause-pools', '--yes');
      expect(on.code, on.all).toBe(0);
      expect(await pausedPools()).toEqual(['no', 'no']);
      expect((await first.exec('systemctl is-active pgprov-pools-resume.service')).stdout.trim()).toBe('inactive');
      await Promise.all(clients.map((client) => client.moves()));
      expect(clients.map(({ errors }) => errors)).toEqual([[], [], []]);
      // The host resumes by itself when it said that it would, although systemd reads its units anew meanwhile.
      const killed = start(['restart', cluster.file, '--pause-pools', '--yes']);
      await expect.poll(async () => (await pausedPools())[0], { timeout: patience(60_000), interval: 50 }).toBe('yes');
      killed.process.kill('SIGKILL');
      await killed.finished;
      const began = Number(await must(first, 'date +%s -d "$(systemctl show -P ActiveEnterTimestamp pgprov-pools-resume.service)"'));
      await must(first, 'sleep 60; systemctl daemon-reload');
      await expect.poll(async () => (await pausedPools())[0], { timeout: patience(120_000) }).toBe('no');
      expect(Number(await must(first, 'date +%s')) - began).toBeLessThan(115 + patience(10));
      const finished = await pgprov('restart', cluster.file, '--pause-pools', '--yes');
      expect(finished.code, finished.all).toBe(0);
      expect(await pausedPools()).toEqual(['no', 'no']);
    } finally {
      await Promise.all(clients.map((client) => client.stop()));
    }
    expect((await cluster.run('apply')).code).toBe(0);
  });

  it('resumes pools that a killed switchover has left paused when it is given up, and status says so before', async () => {
    const run = start(['switchover', cluster.file, '--pause-pools', '--yes']);
    await expect.poll(pausedPools, { timeout: patience(60_000), interval: 50 }).toEqual(['yes', 'yes']);
    run.process.kill('SIGKILL');
    await run.finished;
    // The hosts' own timers are not what resumes them here.
    for (const pool of pools) await must(pool, 'systemctl stop pgprov-pools-resume.service');
    const told = await cluster.run('status');
    expect(told.code).toBe(1);
    const words = told.all.replaceAll(/\s+/gu, ' ');
    expect(words).toMatch(/`pgprov apply [^`]*` refuses to end until what was begun is over: finish it with `pgprov switchover [^`]*`/u);
    expect(words).not.toMatch(/apply [^`]*` ends/u);
    expect((await cluster.run('apply')).code).toBe(4);
    const givenUp = await pgprov('switchover', cluster.file, '--give-up');
    expect([givenUp.code, givenUp.all]).toEqual([0, expect.stringMatching(/resume the pools on pg1 and pg2[^]*is given up/u)]);
    expect(await pausedPools()).toEqual(['no', 'no']);
    const again = await cluster.run('apply');
    expect([again.code, again.all]).toEqual([0, expect.stringContaining('No changes')]);
    // Where a host does not answer it is given up all the same, and what becomes of its pools is told.
    const other = start(['restart', cluster.file, '--pause-pools', '--yes']);
    await expect.poll(pausedPools, { timeout: patience(60_000), interval: 50 }).toEqual(['yes', 'yes']);
    other.process.kill('SIGKILL');
    await other.finished;
    const [, second] = pools;
    await must(second, 'systemctl stop ssh.socket ssh.service sshd.service 2>/dev/null || :');
    try {
      const silent = await pgprov('restart', cluster.file, '--give-up');
      expect([silent.code, silent.all.replaceAll(/\s+/gu, ' ')]).toEqual([
        3,
        expect.stringMatching(
          /pg2 did not answer: if the pools there are paused, the host resumes them by itself, until [-0-9]+ [:0-9]+ UTC/u,
        ),
      ]);
      expect((await pausedPools())[0]).toBe('no');
    } finally {
      await must(second, 'systemctl start ssh.service 2>/dev/null || systemctl start sshd.service');
    }
    await expect.poll(async () => (await pausedPools())[1], { timeout: patience(120_000) }).toBe('no');
    expect((await cluster.run('apply')).code).toBe(0);
  });

  it('is told by status and doctor when it is down, and started again', async () => {
    await must(cluster.host('pg1'), 'systemctl stop pgbouncer');
    const told = await cluster.run('status');
    expect(told.code).toBe(1);
    expect(told.all).toMatch(/pg1.*PgBouncer does not answer/u);
    const doctor = await cluster.run('doctor');
    expect(doctor.code).toBe(1);
    expect(doctor.all).toContain('pgbouncer');
    expect((await cluster.run('apply')).code).toBe(0);
    await expect.poll(() => throughBoth('select 1'), { timeout: patience(20_000) }).toEqual(['1', '1']);
  });
});
