import { describe, expect, it } from 'vitest';
import { archiving } from '../../src/resources/archiving.js';
import { findRows } from '../../src/resources/psql.js';
import { patience } from '../support/patience.js';
import { postgresBinaries, startServer } from '../support/postgres.js';

const server = { binDirectory: '/bin17', socketDirectory: '/run/pg', port: 5432, user: 'postgres', home: '/' };
const LOG = `2026-11-29 13:09:00 UTC [7] LOG:  archive command failed with exit code 41
repo1: [FileOpenError] unable to load info file
P00  ERROR: [041]: all repositories have failed
2026-11-29 13:10:00 UTC [7] LOG:  archive command failed with exit code 103
`;

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)('archiving, compared with a real server', () => {
  it('tells that a command fails, in the words of the log, and for how long WAL has waited', async () => {
    const running = startServer(binaries as string, { archive_mode: 'on', archive_command: 'false' });
    try {
      const asked = archiving(server, { data: running.data, unit: 'patroni' });
      const [query = ''] = asked.sharedQuestions?.[0]?.subjects ?? [];
      const mark = asked.sharedQuestions?.[0]?.ask([query]).text.match(/@pgprov-[0-9a-f]+/u)?.[0] ?? '';
      running.query('CREATE TABLE rows AS SELECT 1');
      running.query('SELECT pg_switch_wal()');
      const failed = (): boolean => running.query('SELECT failed_count > 0 FROM pg_stat_archiver')[0] === 't';
      await expect.poll(failed, { timeout: patience(10_000) }).toBe(true);
      const rows = `\n${[mark, ...running.query(query)].join('\n')}\n`;
      expect(rows).toContain('"failing" : true');
      expect(findRows(rows, query)).toHaveLength(1);
      const found = asked.parse({ status: 0, out: Buffer.from(`1000\n@\n${LOG}@${rows}`) });
      expect(found).toMatchObject({
        standby: false,
        on: true,
        free: 1000,
        waiting: 1,
        said: { server: 'archive command failed with exit code 103', cause: 'repo1: [FileOpenError] unable to load info file' },
      });
      expect(found?.waitingFor).toBeGreaterThanOrEqual(0);
    } finally {
      running.stop();
    }
  });
});
