import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findRows } from '../../src/resources/psql.js';
import { awaitedQuery, serverSettings, type ServerSettings, type WantedSettings } from '../../src/resources/settings-in-force.js';
import { postgresBinaries, startServer, type RunningServer } from '../support/postgres.js';

const binaries = postgresBinaries();

type Answered = Extract<ServerSettings, { answers: true }>;

describe('serverSettings', () => {
  const local = { binDirectory: '/bin17', socketDirectory: '/run/pg', port: 5432, user: 'postgres', home: '/' };

  it('has no answer while the server is down', () => {
    expect(serverSettings(local, {}).parse({ status: 0, out: Buffer.from('\n') })).toEqual({ answers: false });
  });
});

describe.skipIf(binaries === undefined)('serverSettings, compared with a real server', () => {
  let server: RunningServer | undefined;
  const running = (): RunningServer => server as RunningServer;
  const conf = (text: string): void => appendFileSync(join(running().data, 'postgresql.conf'), text);

  beforeAll(() => {
    server = startServer(binaries as string);
    conf(`work_mem = '64MB'\ncheckpoint_timeout = '15min'\ndatestyle = 'iso'\nbgwriter_delay = '0.1s'\nrandom_page_cost = '1.10'\nwal_compression = true
auto_explain.log_min_duration = '1s'\nshared_buffers = '256MB'\ndefault_statistics_target = 250\n`);
    reload();
  });
  afterAll(() => server?.stop());

  function reload(): void {
    const loaded = running().query('SELECT pg_conf_load_time()')[0];
    running().query('SELECT pg_reload_conf()');
    while (running().query('SELECT pg_conf_load_time()')[0] === loaded);
  }

  /** What the observation makes of the server's own answer. */
  function seen(wanted: WantedSettings): Answered {
    let query = '';
    const local = { binDirectory: '/', socketDirectory: '/', port: 1, user: '', home: '/' };
    const observation = serverSettings(local, wanted);
    query = observation.sharedQuestions?.[0]?.subjects[0] ?? '';
    const rows = running().query(query);
    const mark = observation.sharedQuestions?.[0]?.ask([query]).text.match(/@pgprov-[0-9a-f]+/u)?.[0] ?? '';
    const text = [mark, ...rows].join('\n');
    expect(findRows(text, query)).toEqual(rows);
    const state = observation.parse({ status: 0, out: Buffer.from(text) });
    if (!state.answers) throw new Error('no answer');
    return state;
  }

  it.each([
    ['work_mem', '64MB'],
    ['work_mem', '65536kB'],
    ['work_mem', 65536],
    ['work_mem', ' 64 MB '],
    ['WORK_MEM', '0.0625GB'],
    ['checkpoint_timeout', '900'],
    ['checkpoint_timeout', '0.25h'],
    ['datestyle', 'iso'],
    ['datestyle', 'ISO,MDY'],
    ['bgwriter_delay', '100ms'],
    ['bgwriter_delay', 100],
    ['random_page_cost', 1.1],
    ['wal_compression', true],
    ['wal_compression', 'yes'],
    ['auto_explain.log_min_duration', '1s'],
    ['autovacuum', 'on'],
    ['autovacuum_naptime', '1min'],
    ['log_destination', 'stderr'],
    ['password_encryption', 'SCRAM-SHA-256'],
    ['wal_level', 'replica'],
  ])('knows that %s = %s is in force', (name, value) =>
    expect(seen({ [name]: value }).settings).toEqual([expect.objectContaining({ name, taken: true })]),
  );

  it.each([
    ['work_mem', '65MB'],
    ['work_mem', '64 MBs'],
    ['work_mem', 64],
    ['checkpoint_timeout', '901s'],
    ['datestyle', 'german'],
    ['random_page_cost', 1.2],
    ['wal_compression', false],
    ['auto_explain.log_min_duration', '2s'],
    ['nonsense', 1],
    ['other.nonsense', 1],
    ['password_encryption', 'md5'],
    ['log_destination', 'syslog'],
  ])('knows that %s = %s is not in force', (name, value) => {
    expect(seen({ [name]: value }).settings).toEqual([expect.objectContaining({ name, taken: false, restart: false })]);
    expect(running().query(awaitedQuery({ [name]: value }))).toEqual([name]);
  });

  it('waits for nothing that requires a restart', () => {
    expect(seen({ shared_buffers: '256MB' }).settings).toEqual([
      expect.objectContaining({ taken: false, restart: true, told: true, value: '128MB' }),
    ]);
    expect(seen({}).fileErrors).toEqual([]);
    expect(running().query(awaitedQuery({ shared_buffers: '256MB', work_mem: '64MB' }))).toEqual([]);
  });

  it('does not report a removed parameter that waits for a restart as an error in the files', () => {
    const path = join(running().data, 'postgresql.conf');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace(/^dynamic_shared_memory_type/mu, '#$&'));
    reload();
    expect(running().query('SELECT name FROM pg_settings WHERE pending_restart')).toContain('dynamic_shared_memory_type');
    expect(seen({ work_mem: '64MB' })).toMatchObject({ fileErrors: [], settings: [{ taken: true }] });
    writeFileSync(path, text);
    reload();
  });

  it('sees what ALTER SYSTEM sets, and waits for nothing that it overrides', () => {
    running().query("ALTER SYSTEM SET default_statistics_target = '77'");
    running().query("ALTER SYSTEM SET log_line_prefix = 'it''s\\n%m '");
    reload();
    const { altered, settings } = seen({ default_statistics_target: 250 });
    expect(altered).toEqual(expect.arrayContaining([{ name: 'default_statistics_target', value: '77' }]));
    expect(settings).toEqual([{ name: 'default_statistics_target', wanted: '250', value: '77', taken: false, restart: false, told: true }]);
    expect(running().query(awaitedQuery({ default_statistics_target: 250 }))).toEqual([]);
    running().query('ALTER SYSTEM RESET ALL');
    reload();
    expect(seen({ default_statistics_target: 250 })).toMatchObject({ altered: [], settings: [{ taken: true }] });
  });

  it('finds lines of its files that the server rejects', () => {
    writeFileSync(join(running().data, 'pg_hba.conf'), 'local all all trust\nhostssl all all 10.0.0.0/8 trust\n');
    const { accessErrors: none, idleLines } = seen({});
    expect([none, idleLines]).toEqual([[], [{ line: 2, message: 'hostssl record cannot match because SSL is disabled' }]]);
    conf("work_mem = '64 MBs'\n");
    writeFileSync(join(running().data, 'pg_hba.conf'), 'local all all trust\nhost all all 10.0.0.0/33 trust\n');
    const { fileErrors, accessErrors } = seen({ work_mem: '64 MBs' });
    expect(fileErrors).toEqual([
      { file: 'postgresql.conf', line: expect.any(Number) as number, name: 'work_mem', message: 'setting could not be applied' },
    ]);
    expect(accessErrors).toEqual([{ line: 2, message: 'invalid CIDR mask in address "10.0.0.0/33"' }]);
    expect(running().query(awaitedQuery({ work_mem: '64 MBs' }))).toEqual([]);
  });
});
