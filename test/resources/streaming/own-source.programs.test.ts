import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownSourceTaken } from '../../../src/resources/streaming/standby-copy.js';
import { TAKEOVER_QUERY, type Takeover } from '../../../src/resources/streaming/takeover.js';
import { patience } from '../../support/patience.js';
import { postgresBinaries, startServer, type RunningServer } from '../../support/postgres.js';

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)('what would keep a server from following a primary', () => {
  let server: RunningServer;

  beforeAll(() => {
    server = startServer(binaries ?? '');
  });

  afterAll(() => {
    server?.stop();
  });

  const own = (): string[] => (JSON.parse(server.query(TAKEOVER_QUERY)[0] ?? '') as Takeover).own.map(({ name }) => name);
  const reload = (): void => void server.query('SELECT pg_reload_conf()');

  it('is told of whatever file it stands in, also where a restart alone takes it up, without its values', async () => {
    expect(own()).toEqual([]);
    mkdirSync(join(server.data, 'conf.d'));
    chmodSync(join(server.data, 'conf.d'), 0o755);
    writeFileSync(join(server.data, 'conf.d', 'pgprov.conf'), "primary_conninfo = 'host=a'\nprimary_slot_name = 'pg1'\n");
    appendFileSync(join(server.data, 'postgresql.conf'), "Recovery_Target_Timeline = 'latest'\ninclude_dir = 'conf.d'\n");
    reload();
    await expect.poll(() => server.query('SHOW primary_conninfo'), { timeout: patience(10_000) }).toEqual(['host=a']);
    expect(own()).toEqual([]);
    for (const set of ["primary_conninfo = 'host=a'", "primary_slot_name = ''", "recovery_target_action = 'promote'"])
      server.query(`ALTER SYSTEM SET ${set}`);
    expect(own()).toEqual([]);
    server.query("ALTER SYSTEM SET primary_conninfo = 'host=b password=hush'");
    server.query("ALTER SYSTEM SET recovery_target_time = '2026-01-01 00:00:00+00'");
    expect(own()).toEqual(['primary_conninfo', 'recovery_target_time']);
    expect(server.query(TAKEOVER_QUERY)[0]).not.toContain('hush');
    server.query("ALTER SYSTEM SET primary_conninfo = ''");
    server.query("ALTER SYSTEM SET recovery_target_timeline = 'current'");
    expect(own()).toEqual(['primary_conninfo', 'recovery_target_time', 'recovery_target_timeline']);
  });

  // Only root may act as another user.
  it.skipIf(userInfo().uid !== 0)('is taken out of a copy, and nothing else is', () => {
    const draft = mkdtempSync(join(tmpdir(), 'pgprov-draft-'));
    const lines = [
      "work_mem = '5MB'",
      "primary_conninfo = 'host=b'",
      "  Primary_Slot_Name='gone'",
      "recovery_target_time = '2026-01-01'",
      "recovery_target_action = 'promote'",
      "recovery_min_apply_delay = '1min'",
      "restore_command = 'true'",
    ];
    writeFileSync(join(draft, 'postgresql.auto.conf'), `${lines.join('\n')}\n`);
    const local = { binDirectory: '/b', socketDirectory: '/s', port: 5432, user: userInfo().username, home: '/' };
    try {
      execFileSync('sh', ['-c', `set -e\n${ownSourceTaken(draft, local).text}`]);
      const left = readFileSync(join(draft, 'postgresql.auto.conf'), 'utf8').split('\n');
      expect(left.filter((line) => !line.startsWith('#'))).toEqual([lines[0], lines[5], lines[6], '']);
    } finally {
      rmSync(draft, { recursive: true });
    }
  });
});
