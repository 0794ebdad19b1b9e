import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backupRestored, type BackupRestoredOptions } from '../../src/resources/restore/restored.js';
import { backupTimers, holdEnded, timersHeld, timersRun } from '../../src/resources/backup/timers.js';
import { dataCopy } from '../../src/resources/data-copy.js';
import { dataReturned } from '../../src/resources/restore/data-returned.js';
import { privateServerEnded, privateServerRuns } from '../../src/resources/restore/private-server.js';
import { recoverySettingsGone } from '../../src/resources/restore/recovery-settings.js';
import { restorePlace } from '../../src/resources/restore/place.js';
import type { Resource } from '../../src/resources/resource.js';
import { consistentGate, standbyConsistent } from '../../src/resources/restore/standby-consistent.js';
import { unapprovedData } from '../../src/resources/restore/unapproved-data.js';
import { freshDirectory, ME } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const work = freshDirectory();

/** A data directory as far as these look into one. */
function makeData(name = 'data', version = '17\n'): string {
  mkdirSync(work.at(name), { recursive: true });
  writeFileSync(work.at(name, 'PG_VERSION'), version);
  return work.at(name);
}

const server = { binDirectory: '/pg/bin', socketDirectory: '/run/postgresql', port: 5432, user: ME.owner, home: '/' };
const DOWN = 'case "$*" in *is-active*-q*|*-q*is-active*) exit 3 ;; *is-active*) echo inactive; exit 3 ;; esac';
const PATHS = ['/var/lib/pgprov', '/run', '/var/lib/systemd/timers', '/etc/systemd/system'];

describe('a restore on a host', () => {
  inEveryShell(HOST_SHELLS, (shell) => {
    const hostWith = (programs: Record<string, string> = {}): MadeUpHost =>
      new MadeUpHost({
        root: work.path,
        paths: PATHS,
        programs: { systemctl: DOWN, journalctl: ':', runuser: 'shift 3; "$@"', ...programs },
      });
    const identityOf = async (path = work.at('data')): Promise<string> => (await observe(shell, dataCopy(path))).identity;
    const options = (more: Partial<BackupRestoredOptions> = {}): BackupRestoredOptions => ({
      id: 'R',
      path: work.at('data'),
      ownership: { ...ME, mode: '0700' },
      server,
      stanza: 'demo',
      words: ['--repo=1', '--set=20261129-030000F'],
      recovery: ['--type=time', '--target=2026-11-29 05:00:00+00'],
      keep: '1-1',
      unit: 'patroni',
      ...more,
    });

    it('has pgBackRest restore in a unit of its own, which notes the directory when it is whole', async () => {
      mkdirSync(work.at('data'));
      // The unit runs its script at once here.
      const host = hostWith({ 'systemd-run': 'shift 3; sh "$2"', pgbackrest: `printf '17\\n' >${work.at('data')}/PG_VERSION` });
      const resource = host.resource(backupRestored(options()));
      const { changes, answer, left } = await bringAbout(shell, resource);
      expect(changes).toEqual([{ action: 'create', summary: `restore a backup into ${work.at('data')}` }]);
      expect([answer, left]).toEqual([{ status: 0, words: '' }, []]);
      expect(host.calls('pgbackrest')).toEqual([
        `pgbackrest --stanza=demo --pg1-path=${work.at('data')} --log-level-console=info --delta --repo=1 --set=20261129-030000F --type=time --target=2026-11-29 05:00:00+00 --recovery-option=restore_command=pgbackrest ''--stanza=demo'' ''--pg1-path=${work.at('data')}'' archive-get %f "%p" || { [ $? = 1 ] && exit 1; exit 255; } restore`,
      ]);
      const place = await observe(shell, host.observation(restorePlace(work.at('data'), server)));
      expect(place).toMatchObject({
        restored: [`R.${await identityOf()}`, 'R.begun'],
        restoring: false,
        unrecovered: false,
        server: 'down',
      });
    });

    it('forgets what was noted of a directory that was removed since and had the same identity', async () => {
      mkdirSync(work.at('data'));
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      mkdirSync(work.at('var/lib/pgprov/restore'), { recursive: true });
      for (const note of ['Q.1-1', `Q.${await identityOf()}`]) writeFileSync(work.at('var/lib/pgprov/restore', note), '');
      const host = hostWith({ 'systemd-run': 'shift 3; sh "$2"', pgbackrest: ':' });
      await bringAbout(shell, host.resource(backupRestored(options())));
      expect(readdirSync(work.at('var/lib/pgprov/restore')).sort()).toEqual([`R.${await identityOf()}`, 'Q.1-1', 'R.begun'].sort());
    });

    it('notes nothing when pgBackRest fails, and is seen while it works', async () => {
      mkdirSync(work.at('data'));
      const failing = hostWith({ 'systemd-run': 'shift 3; sh "$2" || :', pgbackrest: `touch ${work.at('data')}/x; exit 75` });
      expect((await bringAbout(shell, failing.resource(backupRestored(options())))).left).toHaveLength(1);
      expect(readdirSync(work.at('var/lib/pgprov/restore'))).toEqual(['R.begun']);
      const working = hostWith({ systemctl: 'case "$*" in *is-active*pgprov-restore) exit 0 ;; *is-active*) exit 3 ;; esac' });
      expect((await bringAbout(shell, working.resource(backupRestored(options())))).changes).toEqual([]);
    });

    it('writes over no data that is to be kept, and not beside a Patroni that runs', async () => {
      makeData();
      const kept = hostWith().resource(backupRestored(options({ keep: await identityOf() })));
      expect((await bringAbout(shell, kept)).answer).toEqual({
        status: 1,
        words: `${work.at('data')} still holds the data that is to be kept\n`,
      });
      const beside = hostWith({ systemctl: 'case "$*" in *is-active*patroni) exit 0 ;; *is-active*) exit 3 ;; esac' });
      expect((await bringAbout(shell, beside.resource(backupRestored(options())))).answer).toEqual({
        status: 1,
        words: 'patroni runs on this host\n',
      });
    });

    it('runs a server that nobody reaches, and keeps what its recovery said', async () => {
      makeData();
      const lines = [
        'LOG:  starting point-in-time recovery to 2026-11-28 00:00:00+00',
        'LOG:  recovery stopping before commit of transaction 1, time 2026-11-28 00:00:01+00',
        'LOG:  starting point-in-time recovery to 2026-11-29 05:00:00+00',
        'LOG:  recovery stopping before commit of transaction 761, time 2026-11-29 05:00:01+00',
        'LOG:  last completed transaction was at log time 2026-11-29 04:59:59+00',
        'LOG:  checkpoint starting: end-of-recovery',
        'LOG:  selected new timeline ID: 5',
      ];
      const said = [lines[3], lines[4], lines[6]];
      const up = work.at('up');
      const host = hostWith({
        systemctl: `case "$*" in *is-active*patroni) exit 3 ;; *stop*) rm -f ${up} ;; *is-active*) [ -e ${up} ] && echo active || { echo inactive; exit 3; } ;; esac`,
        'systemd-run': `touch ${up}`,
        journalctl: lines.map((line) => `echo '${line}'`).join('\n'),
      });
      const place = () => observe(shell, host.observation(restorePlace(work.at('data'), server)));
      const started = await bringAbout(shell, host.resource(privateServerRuns({ path: work.at('data'), server, unit: 'patroni' })));
      expect([started.answer?.status, started.left]).toEqual([0, []]);
      const [call = ''] = host.calls('systemd-run');
      expect(call).toContain('--property=RuntimeDirectoryMode=0700');
      for (const setting of ['listen_addresses=', 'archive_command=/bin/false', 'hot_standby=off', 'synchronous_standby_names='])
        expect(call).toContain(` -c ${setting}`);
      expect(await place()).toMatchObject({ server: 'recovering', said });

      mkdirSync(work.at('var/lib/pgprov/restore'), { recursive: true });
      writeFileSync(work.at('var/lib/pgprov/restore', `R.${await identityOf()}`), '');
      const ended = await bringAbout(shell, host.resource(privateServerEnded({ path: work.at('data') })));
      expect([ended.answer?.status, ended.left]).toEqual([0, []]);
      expect(await place()).toMatchObject({ server: 'down', said });
    });

    it('replays a backup to its end by that server, which ends as a standby, and is not started again then', async () => {
      makeData();
      const control = work.at('control');
      writeFileSync(control, 'Database cluster state:               in production\n');
      const ends = `printf 'Database cluster state:               shut down in recovery\\n' >${control}`;
      const host = hostWith({ 'systemd-run': ends, pg_controldata: `cat ${control}` });
      const options = {
        path: work.at('data'),
        server: { ...server, binDirectory: work.at('bin') },
        unit: 'patroni',
        restoreCommand: 'get %f',
      };
      mkdirSync(work.at('bin'), { recursive: true });
      writeFileSync(work.at('bin/pg_controldata'), `#!/bin/sh\ncat ${control}\n`, { mode: 0o755 });
      const isOpen = async (): Promise<boolean> => (await observe(shell, host.observation(consistentGate(options)))).open;
      expect(await isOpen()).toBe(false);
      const { answer, left } = await bringAbout(shell, host.resource(standbyConsistent(options)));
      expect([answer?.status, left, await isOpen()]).toEqual([0, [], true]);
      expect(existsSync(work.at('data/standby.signal'))).toBe(true);
      const [call = ''] = host.calls('systemd-run');
      expect(call).toContain(' -c restore_command=get %f ');
      // PostgreSQL refuses a second target that is set, and one that is emptied after another was set.
      expect(call.match(/recovery_target(?:_lsn|_name|_time|_xid)?=\w*/gu)?.slice(-1)).toEqual(['recovery_target=immediate']);
      expect(call).toContain(' -c recovery_target_xid= ');
      expect((await bringAbout(shell, host.resource(standbyConsistent(options)))).changes).toEqual([]);
    });

    it('is told of by its host until clients are let in, and not where a rebuild has restored', async () => {
      const data = makeData();
      const seen = (programs = {}): Promise<unknown> => observe(shell, hostWith(programs).observation(unapprovedData(data)));
      const note = (name: string): void => writeFileSync(work.at('var/lib/pgprov/restore', name), '');
      expect(await seen()).toBeUndefined();
      mkdirSync(work.at('var/lib/pgprov/restore'), { recursive: true });
      const own = await identityOf(data);
      for (const name of ['Q.1-1', 'R.begun', `rebuild-Q.${own}`]) note(name);
      expect(await seen()).toBeUndefined();
      note(`R.${own}`);
      expect(await seen()).toEqual({ restore: 'R' });
      note('R.let-in');
      expect(await seen()).toBeUndefined();
      expect(await seen({ systemctl: 'exit 0' })).toEqual({ restore: '' });
    });

    it('is told of by its host also while the server is held and there is nothing to be approved yet', async () => {
      const host = hostWith();
      const seen = (): Promise<unknown> => observe(shell, host.observation(unapprovedData(work.at('none'), 'postgresql@17-main')));
      expect(await seen()).toBeUndefined();
      host.write('/etc/systemd/system/postgresql@17-main.service.d/pgprov-held.conf', '');
      expect(await seen()).toEqual({ restore: '', held: true });
    });

    it('leaves nothing of its recovery in what the server reads, or is copied to a standby', async () => {
      const file = work.at('data', 'postgresql.auto.conf');
      makeData();
      writeFileSync(
        file,
        "work_mem = '8MB'\n# pgBackRest\nrestore_command = 'x'\nrecovery_target_time = 'y'\nrecovery_target_action='promote'\n",
      );
      const resource = hostWith().resource(recoverySettingsGone(work.at('data')));
      expect((await bringAbout(shell, resource)).left).toEqual([]);
      expect(readFileSync(file, 'utf8')).toBe("work_mem = '8MB'\n# pgBackRest\n");
      expect((await bringAbout(shell, resource)).changes).toEqual([]);
    });

    it('puts data back that was aside, and what has taken its place aside', async () => {
      renameSync(makeData(), work.at('data.aside-20261129T040000'));
      const old = await identityOf(work.at('data.aside-20261129T040000'));
      makeData('data', 'new\n');
      writeFileSync(work.at('data', 'new'), '');
      mkdirSync(work.at('var/lib/pgprov/restore'), { recursive: true });
      for (const name of ['Q.1-1', `R.${await identityOf()}`]) writeFileSync(work.at('var/lib/pgprov/restore', name), '');
      const resource = (unitRuns = false) =>
        hostWith({ systemctl: unitRuns ? 'exit 0' : DOWN }).resource(
          dataReturned({ path: work.at('data'), identity: old, unit: 'patroni' }),
        );
      expect((await bringAbout(shell, resource(true))).answer).toEqual({ status: 1, words: 'patroni runs on this host\n' });
      const { answer, left } = await bringAbout(shell, resource());
      expect([answer, left]).toEqual([{ status: 0, words: '' }, []]);
      expect(await identityOf()).toBe(old);
      // A backup that is restored later may get the same inode, and has the times of its files.
      expect(readdirSync(work.at('var/lib/pgprov/restore'))).toEqual(['Q.1-1']);
      const [aside = '', ...more] = readdirSync(work.path).filter((name) => name.startsWith('data.aside-'));
      expect([existsSync(work.at(aside, 'new')), more]).toEqual([true, []]);
      expect((await bringAbout(shell, resource())).changes).toEqual([]);
    });

    it('puts it back over an empty directory, and says where it is not there any more', async () => {
      renameSync(makeData(), work.at('data.aside-20261129T040000'));
      const old = await identityOf(work.at('data.aside-20261129T040000'));
      mkdirSync(work.at('data'));
      const returned = (identity: string) => hostWith().resource(dataReturned({ path: work.at('data'), identity, unit: 'patroni' }));
      expect((await bringAbout(shell, returned('1-1'))).answer).toEqual({
        status: 1,
        words: `the data that was put aside is not beside ${work.at('data')} any more\n`,
      });
      expect((await bringAbout(shell, returned(old))).left).toEqual([]);
      expect(readdirSync(work.path).filter((name) => name.startsWith('data'))).toEqual(['data']);
    });

    it('holds scheduled backups, also for the next boot, and starts the same ones again', async () => {
      const full = 'pgprov-backup@full.timer';
      const state = work.at('timer');
      writeFileSync(state, '');
      const note = work.at('var/lib/pgprov/backups-held');
      const host = hostWith({
        systemctl: `case "$1 $2 $3" in
*cat*) ;;
list-units*) [ ! -e ${state} ] || echo '${full} loaded active waiting when a full backup is taken' ;;
*stop*) rm -f ${state} ;;
*enable*) touch ${state} ;;
esac`,
      });
      const see = () => observe(shell, host.observation(backupTimers()));
      const open = { active: [full], held: [], isOpen: true, isHeld: false };
      expect(await see()).toEqual(open);
      const held = await bringAbout(shell, host.resource(timersHeld()));
      expect([held.answer?.status, held.left, await see()]).toEqual([0, [], { active: [], held: [full], isOpen: false, isHeld: true }]);
      expect(existsSync(note)).toBe(true);
      expect(host.calls('systemctl')).toContain(`systemctl -q disable ${full}`);
      const begun = await bringAbout(shell, host.resource(timersRun()));
      expect([begun.answer?.status, begun.left, await see()]).toEqual([0, [], open]);
      expect([readFileSync(state, 'utf8'), existsSync(note)]).toEqual(['', false]);
    });

    it('holds backups that have no schedule as well, until apply or the end of what held them', async () => {
      const note = work.at('var/lib/pgprov/backups-held');
      const host = hostWith({ systemctl: ':' });
      for (const ended of [timersRun(), holdEnded()] as Resource[]) {
        await bringAbout(shell, host.resource(timersHeld()));
        expect(existsSync(note)).toBe(true);
        expect((await bringAbout(shell, host.resource(timersHeld()))).changes).toEqual([]);
        expect((await bringAbout(shell, host.resource(ended))).left).toEqual([]);
        expect(existsSync(note)).toBe(false);
      }
    });

    it('has no backup begin at once that would have begun while they were held, where one was just taken', async () => {
      const full = 'pgprov-backup@full.timer';
      const stamp = `var/lib/systemd/timers/stamp-${full}`;
      const restart = async (catchUp: boolean): Promise<void> => {
        mkdirSync(work.at('var/lib/pgprov/stopped'), { recursive: true });
        writeFileSync(work.at('var/lib/pgprov/stopped', full), '');
        await bringAbout(shell, hostWith({ systemctl: ':' }).resource(timersRun(catchUp)));
      };
      await restart(true);
      expect(existsSync(work.at(stamp))).toBe(false);
      await restart(false);
      expect(existsSync(work.at(stamp))).toBe(true);
    });
  });
});
