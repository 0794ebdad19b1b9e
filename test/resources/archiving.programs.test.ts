import { describe, expect, it } from 'vitest';
import { archiving } from '../../src/resources/archiving.js';
import { findRows } from '../../src/resources/psql.js';
import { patience } from '../support/patience.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { postgresBinaries, startServer } from '../support/postgres.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

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

describe('why WAL cannot be archived', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is what was said since WAL was archived last, and not what an earlier failure said', async () => {
      const answered = (archived: number): string =>
        `printf '%s\\n' "$(grep -o '@pgprov-[0-9a-f]*' | head -n 1)" '{"standby" : false, "on" : true, "wal" : "7", "archived" : ${archived}, "failed" : 1, "failing" : true, "waiting" : 1, "waitingFor" : 1, "segment" : 1}'`;
      const journal = `cat <<E
$(date -d '-600 seconds' '+%Y-%m-%d %H:%M:%S').123 P00  ERROR: [103]: unable to find a valid repository:
             repo1: [CryptoError] unable to verify certificate
$(date -d '-60 seconds' '+%Y-%m-%d %H:%M:%S').123 P00  ERROR: [082]: unable to push WAL file '7' to the archive asynchronously after 60 second(s)
LOG:  archive command failed with exit code 82
E`;
      const said = async (archived: number): Promise<unknown> => {
        const made = new MadeUpHost({
          root: work.path,
          programs: { psql: answered(archived), journalctl: journal, runuser: 'shift 3; exec "$@"' },
        });
        const asked = archiving({ ...server, binDirectory: made.at('bin') }, { data: made.at('data'), unit: 'patroni' });
        return (await observe(shell, made.observation(asked)))?.said?.cause;
      };
      expect(await said(120)).toBe("ERROR: [082]: unable to push WAL file '7' to the archive asynchronously after 60 second(s)");
      expect(await said(900)).toBe('repo1: [CryptoError] unable to verify certificate');
    });
  });
});
