import { describe, expect, it } from 'vitest';
import { backupCheck } from '../../src/resources/backup/check.js';
import { backupStanza } from '../../src/resources/backup/stanza.js';
import type { Change } from '../../src/resources/resource.js';
import { timer } from '../../src/resources/timer.js';
import { sh } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { answering, MadeUpHost } from '../support/made-up-host.js';
import { NO_BACKUP, NO_STANZA } from '../support/pgbackrest-answers.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const SERVER = { user: 'postgres', home: '/var/lib/postgresql' };
const DISABLED = 'P00  ERROR: [087]: archive_mode must be enabled';
const config = (text: string): { digest(): string } => ({ digest: () => text });

describe('backups', () => {
  const work = freshDirectory();

  const host = (programs: Readonly<Record<string, string>>): MadeUpHost =>
    new MadeUpHost({ root: work.path, programs: { runuser: 'shift 3; exec "$@"', ...programs }, paths: ['/var/lib/pgprov'] });

  inEveryShell(HOST_SHELLS, (shell) => {
    const check = (text = 'one', may = 'false'): ReturnType<typeof backupCheck> =>
      backupCheck({ stanza: 'demo', server: SERVER, mayArchive: sh`${may}`, proves: [config(text)] });

    it('are proved once, and anew after a change', async () => {
      const made = host({ pgbackrest: ':' });
      const first = await bringAbout(shell, made.resource(check()));
      expect(first).toMatchObject({ answer: { status: 0 }, after: { proof: 'proved' }, left: [] });
      expect(made.calls('pgbackrest')).toEqual(['pgbackrest --stanza=demo --log-level-console=error --log-level-stderr=off check']);
      expect(await observe(shell, made.resource(check()))).toEqual({ proof: 'proved' });
      expect(await observe(shell, made.resource(check('two')))).toEqual({ proof: 'due' });
    });

    it('wait for archive_mode, and are proved when it may have come into force', async () => {
      const made = host({ pgbackrest: answering({ status: 87, words: DISABLED }, {}) });
      expect(await bringAbout(shell, made.resource(check()))).toMatchObject({ answer: { status: 0 }, after: { proof: 'waits' }, left: [] });
      expect(await observe(shell, made.resource(check()))).toEqual({ proof: 'waits' });
      expect(await observe(shell, made.resource(check('one', 'true')))).toEqual({ proof: 'due' });
      expect(await bringAbout(shell, made.resource(check('one', 'true')))).toMatchObject({ after: { proof: 'proved' }, left: [] });
    });

    it('fail with pgBackRest’s words where WAL does not arrive', async () => {
      const made = host({ pgbackrest: answering({ status: 82, words: 'P00  ERROR: [082]: WAL segment was not archived' }) });
      const { answer, after } = await bringAbout(shell, made.resource(check()));
      expect(answer).toEqual({ status: 1, words: 'P00  ERROR: [082]: WAL segment was not archived\n' });
      expect(after).toEqual({ proof: 'due' });
    });

    /** What 2.55 says on a standby whose repositories no host has. */
    const onStandby = (info: string): string => `case "$*" in
*--output=json*) echo '${info}' ;;
*info) echo 'stanza: demo'; echo '    status: error (other)' ;;
*) echo 'P00  ERROR: [027]: primary database not found'; echo 'HINT: check indexed pg-path/pg-host configurations'; exit 27 ;;
esac`;

    it('are proved on a standby as far as it can: that it reads its repositories', async () => {
      const made = host({ pgbackrest: onStandby('[{"repo":[{"status":{"code":2,"message":"no valid backups"}}],"status":{"code":2}}]') });
      expect(await bringAbout(shell, made.resource(check()))).toMatchObject({ answer: { status: 0 }, after: { proof: 'reads' }, left: [] });
      expect(await observe(shell, made.resource(check('two')))).toEqual({ proof: 'due' });
    });

    it('fail on a standby that cannot read one of its repositories', async () => {
      const made = host({ pgbackrest: onStandby('[{"repo":[{"status":{"code":0}},{"status":{"code":99}}],"status":{"code":4}}]') });
      const { answer, after } = await bringAbout(shell, made.resource(check()));
      expect(answer).toEqual({ status: 1, words: 'stanza: demo\n    status: error (other)\n' });
      expect(after).toEqual({ proof: 'due' });
    });

    const stanza = backupStanza({ stanza: 'demo', server: SERVER, repositories: [1, 2] });
    const pgbackrest = (
      made: string,
    ): string => `case "$*" in *stanza-create) ${made} ;; *) [ -e ${work.at('made')} ] && cat <<'A' || cat <<'B'
${NO_BACKUP}
A
${NO_STANZA}
B
;; esac`;

    it('have a stanza, for which a primary that is not there yet is waited for', async () => {
      const made = host({
        sleep: ':',
        pgbackrest: pgbackrest(
          `[ -e ${work.at('tried')} ] && { : >${work.at('made')}; exit 0; }; : >${work.at('tried')}; echo '[056]: unable to find primary'; exit 56`,
        ),
      });
      expect(await bringAbout(shell, made.resource(stanza))).toMatchObject({ answer: { status: 0, words: '' }, left: [] });
    });

    it('have none where pgBackRest refuses to make it, in its words', async () => {
      const made = host({
        sleep: ':',
        pgbackrest: pgbackrest("echo '[028]: backup and archive info files exist but do not match the database'; exit 28"),
      });
      const { answer } = await bringAbout(shell, made.resource(stanza));
      expect(answer).toEqual({ status: 1, words: '[028]: backup and archive info files exist but do not match the database\n' });
      expect(made.calls('pgbackrest').filter((call) => call.endsWith('stanza-create'))).toHaveLength(1);
    });
  });

  it('have timers that run, or that are off', () => {
    const on = timer({ unit: 'x.timer', runs: true });
    const off = timer({ unit: 'x.timer', runs: false });
    const parse = (text: string): ReturnType<typeof on.parse> => on.parse({ status: 0, out: Buffer.from(text) });
    const runs = parse(
      'Id=y.timer\nUnitFileState=disabled\n\nId=x.timer\nUnitFileState=enabled\nActiveState=active\nNeedDaemonReload=no\n',
    );
    const stale = parse(
      'Id=y.timer\nUnitFileState=disabled\n\nId=x.timer\nUnitFileState=enabled\nActiveState=active\nNeedDaemonReload=yes\n',
    );
    const gone = parse('Id=y.timer\nUnitFileState=disabled\n\nId=x.timer\nUnitFileState=\nActiveState=inactive\nNeedDaemonReload=no\n');
    expect([on.diff(runs), off.diff(gone)]).toEqual([[], []]);
    expect(on.diff(stale)).toEqual([{ action: 'reload', summary: 'let systemd read x.timer anew' }]);
    const service = parse('Id=x.timer\nUnitFileState=enabled\nActiveState=active\n\nId=x.service\nNeedDaemonReload=yes\n');
    expect(on.diff(service)).toEqual([{ action: 'reload', summary: 'let systemd read x.timer anew' }]);
    const written = {
      id: 'file:x',
      digest: () => '',
      diff: (state: unknown): Change[] => (state === 'old' ? [{ action: 'update', summary: 'write x' }] : []),
    };
    const reading = timer({ unit: 'x.timer', runs: true, files: [written] });
    expect(reading.diff(runs, new Map([['file:x', 'new']]))).toEqual([]);
    expect(reading.diff(runs, new Map([['file:x', 'old']]))).toEqual([{ action: 'reload', summary: 'let systemd read x.timer anew' }]);
    expect(on.diff(gone)).toEqual([{ action: 'enable', summary: 'enable and start x.timer' }]);
    expect(off.diff(runs)).toEqual([{ action: 'update', summary: 'stop x.timer' }]);
  });
});
