import { readFileSync, rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { backupGate, backupSeen, startBackup, type BackupUnit } from '../../../src/operations/shared/backup/unit.js';
import { backupRuns } from '../../../src/resources/backup/runs.js';
import { freshDirectory } from '../../support/directory.js';
import { MadeUpHost } from '../../support/made-up-host.js';
import { HEALTHY, RUNNING } from '../../support/pgbackrest-answers.js';
import { bringAbout, observe } from '../../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../../support/shells.js';

/** The last backup of `HEALTHY` ended then. */
const LAST = 1_795_931_387;

const unit = (since: number, after = since): BackupUnit => ({
  unit: 'pgprov-backup@full',
  type: 'full',
  info: { stanza: 'demo', server: { user: 'postgres', home: '/var/lib/postgresql' } },
  since,
  after,
  isNoted: true,
});

describe('the unit that takes a backup', () => {
  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    /** Active once it is started; `running` is what it is before. */
    const host = (running: string, info = HEALTHY): MadeUpHost =>
      new MadeUpHost({
        root: work.path,
        paths: ['/var/lib/pgprov', '/run/systemd/system'],
        programs: {
          runuser: 'shift 3; exec "$@"',
          pgbackrest: `cat <<'E'\n${info}\nE`,
          systemctl: `case "$*" in
is-active*) if [ -e ${work.at('started')} ]; then echo activating; else echo ${running}; fi ;;
start*) : >${work.at('started')} ;;
stop*) rm -f ${work.at('started')} ;;
*'-p Id'*) printf '%s\\n' Id=pgprov-backup@full.service LoadState=loaded ActiveState=inactive ExecMainStartTimestampMonotonic=0 ;;
show*) echo 0 ;;
esac`,
          journalctl: ':',
        },
      });
    const moves = (made: MadeUpHost): string[] => made.calls('systemctl').filter((call) => /systemctl (?:start|stop) /u.test(call));

    it('is started, and not waited for', async () => {
      const made = host('inactive');
      const { answer, left } = await bringAbout(shell, made.resource(startBackup(unit(LAST), false)));
      expect(answer?.status).toBe(0);
      expect(left).toEqual([]);
      expect(moves(made)).toEqual(['systemctl start --no-block pgprov-backup@full.service']);
    });

    it('is not started while it runs, or where it has taken one already', async () => {
      for (const made of [host('activating'), host('inactive', HEALTHY)]) {
        const { changes } = await bringAbout(shell, made.resource(startBackup(unit(LAST - 1), false)));
        expect(changes).toEqual([]);
        expect(moves(made)).toEqual([]);
      }
    });

    it('is started, or known as taken, by the times of backups alone, whatever the clock of the host says', async () => {
      for (const [after, started] of [
        [LAST, 1],
        [LAST - 1, 0],
      ] as const) {
        const made = host('inactive');
        rmSync(work.at('started'), { force: true });
        const before = moves(made).length;
        await bringAbout(shell, made.resource(startBackup(unit(LAST + 3600, after), false)));
        expect(moves(made).length - before).toBe(started);
      }
    });

    it('is started where a smaller one was taken meanwhile', async () => {
      const smaller = HEALTHY.replaceAll('"type":"full"', '"type":"incr"');
      expect(smaller).not.toBe(HEALTHY);
      const made = host('inactive', smaller);
      await bringAbout(shell, made.resource(startBackup(unit(LAST - 1), false)));
      expect(moves(made)).toEqual(['systemctl start --no-block pgprov-backup@full.service']);
    });

    it('leaves no note where the operation that starts it has a record of its own', async () => {
      const made = host('inactive');
      const { isNoted: _, ...recorded } = unit(LAST);
      await bringAbout(shell, made.resource(startBackup(recorded, false)));
      expect((await observe(shell, made.observation(backupRuns(['pgprov-backup@full']))))[0]?.asked).toBeUndefined();
    });

    it('is not started again where it failed in the very second in which it was asked for', async () => {
      const made = new MadeUpHost({
        root: work.path,
        paths: ['/var/lib/pgprov'],
        programs: {
          runuser: 'shift 3; exec "$@"',
          pgbackrest: 'echo "[]"',
          date: 'case "$*" in *%N*) echo 1000.950000000 ;; *) echo 1000 ;; esac',
          // It began nine tenths of a second ago.
          systemctl: `case "$*" in is-active*) echo failed ;; show*) awk '{ printf "%.0f\\n", ($1 - 0.9) * 1000000 }' /proc/uptime ;; esac`,
        },
      });
      const { changes } = await bringAbout(shell, made.resource(startBackup(unit(1000), false)));
      expect([changes, moves(made)]).toEqual([[], []]);
    });

    it('is ended first where pgBackRest has given up in it', async () => {
      const made = host('activating');
      await bringAbout(shell, made.resource(startBackup(unit(LAST), true)));
      expect(moves(made)).toEqual(['systemctl stop pgprov-backup@full.service', 'systemctl start --no-block pgprov-backup@full.service']);
    });

    it('has the host note since when a command waits for it, until that has seen the end', async () => {
      const asked = async (made: MadeUpHost): Promise<number | undefined> =>
        (await observe(shell, made.observation(backupRuns(['pgprov-backup@full']))))[0]?.asked;
      await bringAbout(shell, host('inactive').resource(startBackup(unit(LAST), false)));
      expect(await asked(host('activating'))).toBe(LAST);
      expect((await observe(shell, host('activating').observation(backupRuns(['pgprov-backup@full']))))[0]).toMatchObject({
        asked: LAST,
        after: LAST,
      });
      await observe(shell, host('activating', RUNNING).observation(backupGate(unit(LAST))));
      expect(await asked(host('activating'))).toBe(LAST);
      rmSync(work.at('started'));
      await observe(shell, host('inactive').observation(backupGate(unit(LAST))));
      expect(await asked(host('inactive'))).toBe(LAST);
      await bringAbout(shell, host('inactive').resource(backupSeen('pgprov-backup@full')));
      expect(await asked(host('inactive'))).toBeUndefined();
    });

    it('is over when it has ended, well or not, and not while it runs', async () => {
      const open = async (state: string): Promise<boolean> =>
        (await observe(shell, host(state, RUNNING).observation(backupGate(unit(LAST))))).open;
      expect(await open('inactive')).toBe(true);
      expect(await open('failed')).toBe(true);
      expect(await open('activating')).toBe(false);
    });

    it('lets no backup expire after one that keeps all, and is told so for one run alone', async () => {
      const made = host('inactive');
      await bringAbout(shell, made.resource(startBackup({ ...unit(LAST), keepsAll: true }, false)));
      const file = work.at('run/systemd/system/pgprov-backup@full.service.d/pgprov-keep-all.conf');
      const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
      const end = lines.pop();
      expect(lines).toEqual(['[Unit]', 'AssertPathExists=', '[Service]', 'Environment=PGBACKREST_EXPIRE_AUTO=n']);
      expect(end).toBe(`ExecStopPost=+/bin/sh -c 'rm -f ${file}; systemctl daemon-reload'`);
      const calls = made.calls('systemctl');
      expect(calls.indexOf('systemctl daemon-reload')).toBeLessThan(calls.indexOf('systemctl start --no-block pgprov-backup@full.service'));
    });
  });
});
