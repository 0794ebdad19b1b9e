import { execFileSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewindSource } from '../../../src/resources/streaming/rewind-source.js';
import { rewound } from '../../../src/resources/streaming/standby-rewound.js';
import type { LocalServer } from '../../../src/resources/psql.js';
import { asPostgres, POSTGRES_USER, postgresBinaries, startServer, makeCluster, type RunningServer } from '../../support/postgres.js';

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)('data that has parted from its primary', () => {
  const bin = binaries ?? '';
  let former: RunningServer;
  let promoted: RunningServer;
  let aside: string;
  const local = (server: RunningServer): LocalServer => ({
    binDirectory: bin,
    socketDirectory: server.socket,
    port: 5432,
    user: POSTGRES_USER,
    home: '/',
  });
  const sh = (script: string): string => execFileSync('sh', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

  beforeAll(() => {
    former = startServer(bin, {}, (data) => makeCluster(bin, data, '--data-checksums'));
    former.query('CREATE TABLE written (i int)');
    former.query('CREATE ROLE replicator LOGIN REPLICATION');
    promoted = startServer(bin, { primary_conninfo: `host=${former.socket}` }, (data) => {
      const { program, words } = asPostgres(join(bin, 'pg_basebackup'), '-R', '-c', 'fast', '-h', former.socket, '-D', data);
      execFileSync(program, words, { stdio: 'ignore', cwd: '/' });
    });
    promoted.query('SELECT pg_promote()');
    former.query('INSERT INTO written VALUES (1)');
    promoted.query('INSERT INTO written VALUES (2)');
    appendFileSync(join(former.data, 'postgresql.conf'), "cluster_name = 'former'\n");
    // It crashes, and its data is moved aside.
    process.kill(Number(readFileSync(join(former.data, 'postmaster.pid'), 'utf8').split('\n')[0]), 'SIGKILL');
    aside = `${former.data}.aside`;
    renameSync(former.data, aside);
  });

  afterAll(() => {
    promoted?.stop();
    if (former !== undefined) rmSync(former.socket, { recursive: true, force: true });
  });

  it('is rewound in a copy of it, by a role that may do nothing more, and keeps its own configuration', () => {
    const source = rewindSource(local(promoted), 'replicator');
    const before = source.apply([], { allowed: false, settled: false });
    sh(`note() { :; }\n${before.text}`);
    const path = former.data;
    execFileSync('mkdir', [`${path}.pgprov-copy`]);
    const script = rewound({
      path,
      from: aside,
      server: local(former),
      group: POSTGRES_USER,
      conninfo: '',
      slot: undefined,
      source: `host=${promoted.socket} dbname=postgres user=replicator`,
      configFile: undefined,
    });
    sh(`cd /\n${script.text}`);
    const draft = `${path}.pgprov-copy`;
    expect(readFileSync(join(draft, 'postgresql.conf'), 'utf8')).toContain("cluster_name = 'former'");
    expect(existsSync(join(aside, 'postmaster.pid'))).toBe(true);
    expect(sh(`LC_ALL=C ${bin}/pg_controldata ${aside}`)).toMatch(/cluster state: *in production/u);
    const again = startServer(bin, { primary_conninfo: `host=${promoted.socket}` }, (data) => {
      renameSync(draft, data);
      writeFileSync(join(data, 'standby.signal'), '');
      execFileSync('chown', [POSTGRES_USER, join(data, 'standby.signal'), dirname(data)]);
    });
    expect(again.query("SELECT string_agg(i::text, ' ') FROM written")).toEqual(['2']);
    expect(again.query('SELECT pg_is_in_recovery()')).toEqual(['t']);
    expect(again.query('SHOW cluster_name')).toEqual(['former']);
    again.stop();
  });
});
