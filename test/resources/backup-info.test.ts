import { describe, expect, it } from 'vitest';
import { backupInfo, type BackupInfo } from '../../src/resources/backup/info.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { AWAY, HEALTHY, HELD, NO_BACKUP, NO_STANZA, RUNNING, TWO_TIMELINES, WRONG_PASSPHRASE } from '../support/pgbackrest-answers.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';

const asked = backupInfo({ stanza: 'demo', server: { user: 'postgres', home: '/var/lib/postgresql' } });
const read = (said: string | Buffer, status = 0): BackupInfo =>
  asked.parse({ status, out: Buffer.concat([Buffer.from('1795931793\n'), Buffer.from(said)]) });
const states = ({ repositories }: BackupInfo): string[] => repositories.map(({ status, message }) => `${status}: ${message}`);

describe('backupInfo', () => {
  it('reads backups of two repositories, oldest first', () => {
    const info = read(HEALTHY);
    expect(info).toMatchObject({ code: 0, now: 1795931793 });
    expect(info).not.toHaveProperty('problem');
    expect(info).not.toHaveProperty('running');
    expect(info.repositories).toEqual([
      { repository: 1, status: 'ok', message: 'ok', encrypted: true, systemIdentifiers: ['7713466549490597944'] },
      { repository: 2, status: 'ok', message: 'ok', encrypted: false, systemIdentifiers: ['7713466549490597944'] },
    ]);
    expect(info.backups.map(({ label, repository }) => `${repository} ${label}`)).toEqual([
      '1 20261129-054942F',
      '1 20261129-054942F_20261129-054943D',
      '2 20261129-054945F',
    ]);
    expect(info.backups[1]).toEqual({
      label: '20261129-054942F_20261129-054943D',
      type: 'diff',
      repository: 1,
      database: 1,
      start: 1795931383,
      stop: 1795931385,
      size: 30762023,
      delta: 8806658,
      stored: 890696,
      walStart: '000000010000000000000005',
      walStop: '000000010000000000000005',
      lsnStop: '0/5000120',
      timeline: 1,
      needs: ['20261129-054942F'],
      error: false,
    });
    expect(info.archives[1]).toEqual({
      id: '17-1',
      repository: 2,
      database: 1,
      min: '000000010000000000000001',
      max: '000000010000000000000007',
    });
  });

  it('tells a stanza that was never made from one without a backup', () => {
    expect(states(read(NO_STANZA))).toEqual(['noStanza: missing stanza path', 'noStanza: missing stanza path']);
    const empty = read(NO_BACKUP);
    expect(states(empty)).toEqual(['noBackup: no valid backups', 'noBackup: no valid backups']);
    expect(empty.archives[0]).toEqual({ id: '17-1', repository: 1, database: 1 });
  });

  it('knows a running backup, and how far it is as soon as it has told', () => {
    expect(read(HELD).running).toEqual({});
    expect(read(RUNNING).running).toEqual({ bytes: 248324901, copied: 227254272 });
  });

  it('reads what pgBackRest says with a wrong passphrase, though that is no JSON', () => {
    const info = read(WRONG_PASSPHRASE);
    expect(states(info)).toEqual([
      [
        "failed: [FormatError] unable to load info file '/t/r1/backup/demo/backup.info' or '/t/r1/backup/demo/backup.info.copy':",
        'FormatError: key/value found outside of section at line 1',
        'HINT: backup.info cannot be opened and is required to perform a backup.',
        'HINT: has a stanza-create been performed?',
      ].join('\n'),
      'ok: ok',
    ]);
    expect(info.backups.every(({ repository }) => repository === 2)).toBe(true);
  });

  it('has the backups of one repository where another one is away', () => {
    const info = read(AWAY);
    expect(states(info)[0]).toMatch(
      /^failed: \[HostConnectError\] unable to connect to '10.255.255.1:8432': \[101\] Network is unreachable\n/u,
    );
    expect(info.backups.map(({ repository }) => repository)).toContain(2);
  });

  it('knows the timeline of a backup, what it builds on, and that its checksums did not match', () => {
    const { backups, archives } = read(TWO_TIMELINES);
    expect(backups.at(-1)).toMatchObject({ label: '20261129-055630F', timeline: 2 });
    expect(backups.filter(({ error }) => error).map(({ label, needs }) => [label, needs.length])).toEqual([
      ['20261129-054942F_20261129-055325I', 4],
    ]);
    expect(archives[0]).toMatchObject({ min: '000000010000000000000002', max: '00000002000000000000003C' });
  });

  it.each([
    {
      title: 'a configuration that is not there',
      said: "P00  ERROR: [055]: unable to open missing file '/nonexistent' for read\n",
      status: 55,
      problem: "[055]: unable to open missing file '/nonexistent' for read",
    },
    {
      title: 'an option that it does not take',
      said: "ERROR: [032]: '' must be >= 1 character for 'repo1-host-cert-file' option\n",
      status: 32,
      problem: "[032]: '' must be >= 1 character for 'repo1-host-cert-file' option",
    },
    { title: 'no pgBackRest', said: '', status: 127, problem: 'pgBackRest is not installed' },
    { title: 'no answer', said: '', status: 124, problem: 'pgBackRest gave no answer in time' },
    {
      title: 'no end either',
      said: 'Session terminated, killing shell...Killed',
      status: 137,
      problem: 'pgBackRest gave no answer in time',
    },
    { title: 'no word', said: '', status: 25, problem: 'pgBackRest ended with exit code 25 and said nothing' },
    { title: 'another stanza only', said: '[]', status: 0, problem: 'pgBackRest says nothing of the stanza demo' },
  ])('has its words for $title', ({ said, status, problem }) => {
    expect(read(said, status)).toEqual({ code: status, now: 1795931793, problem, repositories: [], backups: [], archives: [] });
  });

  describe('on a host', () => {
    const work = freshDirectory();
    inEveryShell(HOST_SHELLS, (shell) => {
      const see = async (programs: Readonly<Record<string, string>>): Promise<BackupInfo> => {
        const host = new MadeUpHost({ root: work.path, programs: { runuser: 'shift 3; exec "$@"', ...programs } });
        return observe(shell, host.observation(asked));
      };

      it('asks pgBackRest as its user', async () => {
        const info = await see({
          pgbackrest: `cat <<'E'\nP00   WARN: configuration file contains invalid option 'nonsense'\n${HEALTHY}\nE`,
        });
        expect(info.backups).toHaveLength(3);
        expect(info.now).toBeGreaterThan(1_700_000_000);
      });

      it('has the words of one that fails', async () => {
        expect(
          await see({ pgbackrest: 'echo "ERROR: [037]: info command requires option: repo1-host-cert-file" >&2; exit 37' }),
        ).toMatchObject({
          code: 37,
          problem: '[037]: info command requires option: repo1-host-cert-file',
        });
      });

      it.skipIf(isThere('pgbackrest'))('sees that there is none', async () => {
        expect(await see({})).toMatchObject({ code: 127, problem: 'pgBackRest is not installed' });
      });
    });
  });
});
