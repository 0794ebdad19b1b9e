import { describe, expect, it } from 'vitest';
import { backupArchive } from '../../src/resources/backup/archive.js';
import { backupInfo } from '../../src/resources/backup/info.js';
import { backupProgress } from '../../src/resources/backup/progress.js';
import { backupRuns } from '../../src/resources/backup/runs.js';
import type { Observation } from '../../src/resources/resource.js';
import { backupManifests } from '../../src/resources/backup/manifests.js';
import { backupVerified } from '../../src/resources/backup/verified.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { HEALTHY, HELD, RUNNING } from '../support/pgbackrest-answers.js';
import { joinScripts, sh } from '../../src/shell/quote.js';
import { observe, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const asked = { stanza: 'demo', server: { user: 'postgres', home: '/var/lib/postgresql' } };
const runuser = 'shift 3; exec "$@"';
const says = (text: string): string => `cat <<'E'\n${text}\nE`;

/** As pgBackRest 2.55.1 lists a repository after a failover, in which a file is missing. */
const LISTED = `17-1
17-1/0000000100000000
17-1/0000000100000000/0000000100000000000000FD-4b63be81d30fea964bbd1ffbd6e201e617b4cab3.gz
17-1/0000000100000000/0000000100000000000000FE-4b63be81d30fea964bbd1ffbd6e201e617b4cab3.gz
17-1/0000000100000000/0000000100000000000000FE.00000028.backup
17-1/0000000100000000/0000000100000000000000FF-c4f943196b146af1c7148f8cdab31a0e6c20674e.gz
17-1/0000000100000001
17-1/0000000100000001/000000010000000100000000-4dba0c6684870b422d75f4ebb39e1cf8864c791f.gz
17-1/0000000100000001/000000010000000100000002-39622812b216e6ab69236e8c5cfe7ab74d33e879.gz
17-1/0000000100000001/000000010000000100000003.partial-823afb7c6423080524e1ae766dc6198343dd4e57.gz
17-1/00000002.history
17-1/0000000200000001
17-1/0000000200000001/000000020000000100000003-54158c903ed14696c1a7aec5d789bfc4d3025d57.gz
archive.info
archive.info.copy`;

const F = '20261129-055058F';

const TIMES =
  '{".":{"type":"path"},"000000020000000100000003-54158c903ed14696c1a7aec5d789bfc4d3025d57.gz":{"size":19215,"time":1795931791,"type":"file"}}';

describe('scripts that ask pgBackRest', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    const host = (programs: Readonly<Record<string, string>>): MadeUpHost =>
      new MadeUpHost({ root: work.path, programs: { runuser, ...programs } });

    it('list the WAL of a repository in runs, with the time of the last file, and leave out a repository that is away', async () => {
      const pgbackrest = `case "$*" in
*--repo=2*) exit 49 ;;
*--output=json*archive/demo/17-1/0000000200000001) ${says(TIMES)}
;;
*) ${says(LISTED)}
;;
esac`;
      const made = host({ pgbackrest });
      expect(await observe(shell, made.observation(backupArchive(asked, [1, 2])))).toEqual([
        {
          repository: 1,
          runs: [
            { database: '17-1', timeline: 1, log: 0, first: 0xfd, final: 0xff },
            { database: '17-1', timeline: 1, log: 1, first: 0, final: 0 },
            { database: '17-1', timeline: 1, log: 1, first: 2, final: 2 },
            { database: '17-1', timeline: 2, log: 1, first: 3, final: 3 },
          ],
          histories: [{ database: '17-1', timeline: 2 }],
          last: 1795931791,
        },
      ]);
    });

    it('count no WAL file that pgBackRest has only begun, and look again where a later one is there', async () => {
      const begun = LISTED.replace('000000010000000100000002-39622812b216e6ab69236e8c5cfe7ab74d33e879.gz', '$&.pgbackrest.tmp').replace(
        '000000020000000100000003-54158c903ed14696c1a7aec5d789bfc4d3025d57.gz',
        '$&\n17-1/0000000200000001/000000020000000100000003-5415.gz.pgbackrest.tmp',
      );
      const times = TIMES.replace(/\}$/u, ',"000000020000000100000004-5.gz.pgbackrest.tmp":{"size":9,"time":1795939999,"type":"file"}}');
      const pgbackrest = (looks: number): string => `case "$*" in
*--output=json*) ${says(times)}
;;
*) if [ "$(grep -c '^pgbackrest .*recurse' ${work.path}/calls)" -le ${looks} ]; then
${says(begun)}
else
${says(LISTED)}
fi ;;
esac`;
      const sawPosition2 = async (looks: number): Promise<boolean> => {
        const made = host({ pgbackrest: pgbackrest(listedBefore() + looks), timeout: 'shift 3; exec "$@"', sleep: ':' });
        const [seen] = await observe(shell, made.observation(backupArchive(asked, [1])));
        expect(seen?.last).toBe(1795931791);
        return seen?.runs.some(({ log, first }) => log === 1 && first === 2) === true;
      };
      const listedBefore = (): number =>
        host({})
          .calls('pgbackrest')
          .filter((call) => call.includes('recurse')).length;
      expect(await sawPosition2(2)).toBe(true);
      expect(await sawPosition2(3)).toBe(false);
    });

    it('wait for a host that hangs for as long as an answer takes, and for one that verifies as long as that takes', async () => {
      const pgbackrest = says('[]');
      const made = host({ pgbackrest, timeout: 'shift 3; exec "$@"' });
      const all = [
        backupInfo(asked),
        backupArchive(asked, [1]),
        backupManifests(asked, { repositories: [1], label: 'x' }),
        backupVerified(asked, [1]),
      ];
      for (const observation of all) await observe(shell, made.observation(observation as Observation)).catch(() => undefined);
      const calls = made.calls('pgbackrest');
      const [verifies, asks] = [calls.filter((call) => call.includes(' verify')), calls.filter((call) => !call.includes(' verify'))];
      expect(verifies).toHaveLength(1);
      expect(verifies[0]).not.toContain('--protocol-timeout');
      expect(asks.length).toBeGreaterThan(3);
      for (const call of asks) expect(call).toContain('--protocol-timeout=15 ');
    });

    it('list nothing of an archive that is empty', async () => {
      const made = host({ pgbackrest: says('archive.info\narchive.info.copy') });
      expect(await observe(shell, made.observation(backupArchive(asked, [1])))).toEqual([{ repository: 1, runs: [], histories: [] }]);
    });

    it('find backups that have tablespaces or no manifest, each by a question of its own, and none in a repository that is away', async () => {
      const [ts, gone, well] = [`${F}_20261129-060000D`, `${F}_20261129-070000D`, F];
      const list = [well, ts, gone].map((label) => `{"label":"${label}"}`).join(',');
      const pgbackrest = `case "$*" in
*--repo=2*) exit 49 ;;
*--output=json*) ${says(`[{"backup":[${list}]}]`)}
;;
*--set=${ts}*) ${says(`        diff backup: ${ts}\n            tablespaces:\n                ts (16385) => /srv/ts`)}
;;
*--set=${gone}*) ${says('    status: error (requested backup not found)')}
;;
*) ${says(`        full backup: ${well}\n            database size: 31MB`)}
;;
esac`;
      const made = host({ pgbackrest, timeout: 'shift 3; exec "$@"' });
      const look = (repositories: number[], label?: string): Promise<unknown> =>
        observe(shell, made.observation(backupManifests(asked, { repositories, ...(label === undefined ? {} : { label }) })));
      expect(await look([1, 2])).toEqual({ tablespaces: [ts], unreadable: [gone] });
      expect(await look([1], well)).toEqual({ tablespaces: [], unreadable: [] });
      expect(await look([])).toEqual({ tablespaces: [], unreadable: [] });
    });

    const unit = (name: string, values: string): string =>
      `case "$*" in *@${name}.service*) ${says(`Id=pgprov-backup@${name}.service\n${values}`)}
;; esac`;
    const idle = 'LoadState=loaded\nActiveState=inactive\nResult=success\nExecMainStartTimestampMonotonic=0';

    it('tell how the units fared, with the last error of one that failed', async () => {
      const systemctl = [
        unit('full', 'ActiveState=failed\nLoadState=loaded\nResult=exit-code\nExecMainStartTimestampMonotonic=1000000'),
        unit('diff', 'ActiveState=activating\nLoadState=loaded\nResult=success\nExecMainStartTimestampMonotonic=2000000'),
        unit('incr', idle),
        unit('other', 'LoadState=not-found\nActiveState=inactive\nResult=success\nExecMainStartTimestampMonotonic=0'),
      ].join('\n');
      const journalctl = `case "$*" in *@full*) ${says(`2026-11-29 06:03:16.498 P00   INFO: backup command begin 2.55.1
2026-11-29 06:03:16.584 P00  ERROR: [050]: unable to acquire lock on file '/tmp/pgbackrest/demo-backup-1.lock': Resource temporarily unavailable
                                    HINT: is another pgBackRest process running?
2026-11-29 06:03:16.585 P00   INFO: backup command end: aborted with exception [050]`)}
;; esac`;
      const runs = await observe(
        shell,
        host({ systemctl, journalctl }).observation(backupRuns(['full', 'diff', 'incr', 'other'].map((name) => `pgprov-backup@${name}`))),
      );
      expect(runs).toEqual([
        {
          unit: 'pgprov-backup@full',
          state: 'failed',
          began: expect.any(Number) as number,
          result: 'exit-code',
          error:
            "[050]: unable to acquire lock on file '/tmp/pgbackrest/demo-backup-1.lock': Resource temporarily unavailable\nHINT: is another pgBackRest process running?",
        },
        { unit: 'pgprov-backup@diff', state: 'running', began: expect.any(Number) as number },
        { unit: 'pgprov-backup@incr', state: 'idle' },
      ]);
    });

    it('tell which members pgBackRest could not ask where it found no primary', async () => {
      const systemctl = unit('full', 'ActiveState=failed\nLoadState=loaded\nResult=exit-code\nExecMainStartTimestampMonotonic=1000000');
      const journalctl =
        says(`2026-11-29 19:20:24.123 P00   WARN: unable to check pg1: [ServiceError] TLS error [1:167773208] tlsv1 alert unknown ca
2026-11-29 19:20:24.133 P00  ERROR: [056]: unable to find primary cluster - cannot proceed
                                    HINT: are all available clusters in recovery?
2026-11-29 19:20:24.133 P00   INFO: backup command end: aborted with exception [056]`);
      const [run] = await observe(shell, host({ systemctl, journalctl }).observation(backupRuns(['pgprov-backup@full'])));
      expect(run?.error).toBe(`[056]: unable to find primary cluster - cannot proceed:
unable to check pg1: [ServiceError] TLS error [1:167773208] tlsv1 alert unknown ca
HINT: are all available clusters in recovery?`);
    });

    const verified = async (answer: string): Promise<unknown> =>
      (await observe(shell, host({ pgbackrest: answer }).observation(backupVerified(asked, [1]))))[0];

    // As pgBackRest 2.45 says it.
    it.each([
      {
        title: 'a backup without manifests, of which pgBackRest says that all is well',
        status: 'ok',
        says: `  backup: ${F}, status: manifest missing, total files checked: 0, total valid files: 0`,
        wrong: [`${F}: its manifest is missing`],
      },
      {
        title: 'a backup with manifests that are damaged',
        status: 'error',
        says: `  backup: ${F}, status: invalid, total files checked: 0, total valid files: 0`,
        wrong: [`${F}: its manifest cannot be read`],
      },
      {
        title: 'WAL that is there twice',
        status: 'error',
        says: `  archiveId: 17-1, total WAL checked: 7, total valid WAL: 5
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0
  backup: ${F}, status: valid, total files checked: 7, total valid files: 7
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0`,
        wrong: ['WAL of 17-1: 2 files of one name with different contents'],
      },
      {
        title: 'a repository without its list',
        status: 'error',
        says: '  No usable backup.info file',
        wrong: ['pgBackRest calls the repository unsound: No usable backup.info file'],
        listed: [],
      },
      {
        title: 'a backup whose directory is gone, of which pgBackRest says nothing',
        status: 'ok',
        says: `  backup: ${F}, status: valid, total files checked: 7, total valid files: 7
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0`,
        listed: [F, `${F}_20261129-060000D`],
        wrong: [`${F}_20261129-060000D: it is in the list of backups, and its directory is not there`],
      },
    ])('name $title', async ({ status, says: words, listed = [F], wrong }) => {
      const list = listed.map((label) => `{"label":"${label}"}`).join(',');
      const pgbackrest = `case "$*" in
*--output=json*) ${says(`[{"backup":[${list}]}]`)}
;;
*) ${says(`stanza: demo\nstatus: ${status}\n${words}`)}
;;
esac`;
      const made = host({ pgbackrest, timeout: 'shift 3; exec "$@"' });
      expect((await observe(shell, made.observation(backupVerified(asked, [1]))))[0]?.wrong).toEqual(wrong);
    });

    it('read what is damaged, of which the exit code says nothing', async () => {
      expect(
        await verified(
          says(`stanza: demo
status: error
  archiveId: 17-1, total WAL checked: 24, total valid WAL: 23
    missing: 0, checksum invalid: 0, size invalid: 0, other: 1
  backup: 20261129-055004F, status: invalid, total files checked: 977, total valid files: 975
    missing: 0, checksum invalid: 2, size invalid: 0, other: 0
  backup: 20261129-055058F, status: valid, total files checked: 969, total valid files: 969
    missing: 0, checksum invalid: 0, size invalid: 0, other: 0`),
        ),
      ).toEqual({
        repository: 1,
        backups: 2,
        wal: 23,
        wrong: ['WAL of 17-1: 1 file that cannot be read', '20261129-055004F: 2 files with another checksum'],
      });
    });

    it('have the words of a repository that cannot be read', async () => {
      const answer = `echo "ERROR: [055]: unable to load info file '/b/backup.info'" >&2; exit 55`;
      expect(await verified(answer)).toMatchObject({ problem: "[055]: unable to load info file '/b/backup.info'", backups: 0, wrong: [] });
    });

    const progress = async (info: string, before = ''): Promise<string[]> => {
      const systemctl = says('CPUUsageNSec=123456789\nControlGroup=/none\nExecMainStartTimestampMonotonic=0');
      const made = host({ systemctl, pgbackrest: says(info) });
      const body = joinScripts([sh`before=${before} waited=6 looked=3`, made.script(backupProgress('pgprov-backup@full', asked))]);
      const { answers } = await runSections(shell, [{ id: 'look', mode: 'probe', body }]);
      return answers.get('look')?.out.toString().trimEnd().split('\n') ?? [];
    };

    it('tell how far a backup is, and the time that is left', async () => {
      const [number, words] = await progress(RUNNING);
      expect(number).toBe('0 227254272 123456789');
      expect(words).toMatch(/^216\.7 MiB of 236\.8 MiB copied, \d+ (?:s|min|h).* left$/u);
    });

    it('tell no time that is left before a tenth is copied', async () => {
      expect((await progress(RUNNING.replace('"size-cplt":227254272', '"size-cplt":1048576')))[1]).toBe('1 MiB of 236.8 MiB copied');
      expect((await progress(RUNNING.replace('"size-cplt":227254272', '"size-cplt":0'), '0 0 1'))[1]).toBe('0 B of 236.8 MiB copied');
    });

    it('tell that a backup is being prepared, that it waits for its WAL, and nothing where none runs', async () => {
      expect((await progress(HELD))[1]).toBe('pgBackRest prepares it');
      expect((await progress(RUNNING.replace('"size-cplt":227254272', '"size-cplt":248324901')))[1]).toBe(
        '236.8 MiB copied, and waits for the WAL',
      );
      expect(await progress(HEALTHY)).toEqual(['0  123456789']);
    });
  });
});
