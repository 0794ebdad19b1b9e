import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { streamingServer, type StreamingWords } from '../../../src/resources/streaming/server.js';
import { patience } from '../../support/patience.js';
import { asPostgres, postgresBinaries, startServer, type RunningServer } from '../../support/postgres.js';

const binaries = postgresBinaries();
const { sharedQuestions = [], parse } = streamingServer(
  { binDirectory: '/b', socketDirectory: '/s', port: 5432, user: 'postgres', home: '/' },
  '/data',
);
const [query = ''] = sharedQuestions[0]?.subjects ?? [];
const mark = sharedQuestions[0]?.ask([query]).text.match(/@pgprov-[0-9a-f]+/u)?.[0] ?? '';

/** What a server says of itself. */
function saysOf(server: RunningServer): StreamingWords | undefined {
  return parse({ status: 0, out: Buffer.from([mark, ...server.query(query)].join('\n')) }).says;
}

describe.skipIf(binaries === undefined)(
  binaries === undefined ? 'streamingServer (skipped: no PostgreSQL on this machine)' : 'streamingServer',
  () => {
    const bin = binaries ?? '';
    const servers: RunningServer[] = [];
    afterAll(() => {
      for (const server of servers) server.stop();
    });

    /** A standby of a server, which follows it from its start. */
    const standbyOf = (source: RunningServer): RunningServer => {
      const server = startServer(bin, { primary_conninfo: `host=${source.socket} user=postgres` }, (data) => {
        const { program, words } = asPostgres(join(bin, 'pg_basebackup'), '-h', source.socket, '-D', data, '-c', 'fast', '--no-sync');
        execFileSync(program, words, { stdio: 'ignore', cwd: '/' });
        const touch = asPostgres('touch', join(data, 'standby.signal'));
        execFileSync(touch.program, touch.words, { stdio: 'ignore' });
      });
      servers.push(server);
      return server;
    };

    it('has a standby without a sender on the timeline that it received last, though its last restartpoint is on an earlier one', async () => {
      const first = startServer(bin);
      const second = standbyOf(first);
      const third = standbyOf(second);
      await expect.poll(() => saysOf(third)?.receives, { timeout: patience(30_000) }).toBe(true);
      first.query('create table written as select 1 as i');
      second.query('select pg_promote()');
      second.query('insert into written values (2)');
      await expect.poll(() => third.query('select count(*) from written'), { timeout: patience(30_000) }).toEqual(['2']);
      first.stop();
      servers.splice(servers.indexOf(second), 1);
      second.stop();
      await expect.poll(() => third.query('select count(*) from pg_stat_wal_receiver'), { timeout: patience(30_000) }).toEqual(['0']);
      expect(third.query('select timeline_id from pg_control_checkpoint()')).toEqual(['1']);
      expect(saysOf(third)).toMatchObject({ standby: true, timeline: 2, receives: false });
      // When the last commit was made that it has, by the clock of who made it.
      expect(saysOf(third)?.lastCommit).toBeGreaterThan(1_700_000_000);
      // What pg_rewind leaves of a timeline that it took back: a WAL file, and no history.
      writeFileSync(join(third.data, 'pg_wal', '000000050000000000000009'), '');
      expect(saysOf(third)).toMatchObject({ timeline: 2 });
    });
  },
);
