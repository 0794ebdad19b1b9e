import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { patroniRestart, type PatroniRestartOptions } from '../../src/resources/patroni/restart.js';
import { replayedLimits } from '../../src/resources/replayed-limits.js';
import { NOTHING_DONE } from '../../src/resources/resource.js';
import { serverLimits } from '../../src/resources/server-limits.js';
import { unitRestart, unitStart } from '../../src/resources/unit-restart.js';
import { Script, sh } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { observe } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell, type Shell } from '../support/shells.js';

const SERVER = { binDirectory: '/opt/pg', socketDirectory: '/run', port: 5432, user: 'postgres', home: '/var/lib/pg' };
let count = 0;

describe('restarts', () => {
  const directory = freshDirectory();
  const hostWith = (programs: Record<string, string>): MadeUpHost => {
    const root = directory.at(`host-${(count += 1)}`);
    mkdirSync(root);
    return new MadeUpHost({ root, programs, paths: ['/opt/pg', '/srv/data'] });
  };

  inEveryShell(HOST_SHELLS, (shell) => {
    describe('patroniRestart', () => {
      const options: PatroniRestartOptions = {
        member: 'pg2',
        url: 'http://10.0.0.2:8008',
        server: SERVER,
        data: '/srv/data',
        unit: 'patroni',
        before: '1000.5',
        onlyAsReplica: true,
        takeBack: "give it's former value",
        user: 'patroni',
        password: new Secret('secret'),
      };
      /** What Patroni answers to the request, and what the server's start is after it. */
      const restarted = async (
        answer: string,
        code: number,
        started: string,
        more: Partial<PatroniRestartOptions> = {},
      ): Promise<Ended> => {
        const host = hostWith({
          curl: `case "$*" in */restart) printf '%s\\n%s' '${answer}' ${code}; echo ${started} >${directory.path}/started-${count} ;; *) echo '{"state": "start failed"}' ;; esac`,
          runuser: `case "$*" in *extract*) cat ${directory.path}/started-${count} 2>/dev/null ;; esac`,
          journalctl:
            'echo "x FATAL:  terminating walreceiver process due to administrator command"; echo "x FATAL:  could not access file"; echo "INFO: no action"',
        });
        const script = host.script(patroniRestart({ ...options, ...more }).apply([], { started: '1000.5' }));
        const { code: status, out } = await run(shell, script);
        return { status, out, calls: host.calls() };
      };

      it('asks Patroni after a checkpoint, and waits for a new start time', async () => {
        const { status, out, calls } = await restarted('restarted successfully', 200, '2000.5');
        expect([status, out]).toEqual([0, '']);
        const [checkpoint, request] = [
          calls.findIndex((call) => call.includes('-f -')),
          calls.findIndex((call) => call.endsWith('/restart')),
        ];
        expect(checkpoint).toBeGreaterThanOrEqual(0);
        expect(request).toBeGreaterThan(checkpoint);
        expect(calls[request]).toContain('{"role":"replica"}');
        expect(calls.join('\n')).not.toContain('secret');
      });

      it('shows PostgreSQL’s own sentence when it failed, and how to revert the change', async () => {
        const { status, out } = await restarted('restart failed', 503, '');
        expect(status).toBe(1);
        expect(out.split('\n').slice(0, 3)).toEqual([
          'PostgreSQL on pg2 did not restart: restart failed (Patroni, HTTP 503)',
          'x FATAL:  could not access file',
          '/opt/pg/postgres is not there'.replace('/opt/pg', directory.at(`host-${count}`, 'opt/pg')),
        ]);
        expect(out).toContain("give it's former value");
        expect(out).not.toContain('walreceiver');
      });

      it('does not trust an answer without a new start', async () => {
        const { status, out } = await restarted('restarted successfully', 200, '');
        expect([status, out.split('\n')[0]]).toEqual([1, 'PostgreSQL on pg2 did not start']);
      });

      it.each<{ title: string; shown: string; at: string }>([
        { title: 'its own directory', shown: '', at: '/srv/data/log' },
        { title: 'a directory below the data', shown: 'pg log', at: '/srv/data/pg log' },
        { title: 'a directory elsewhere', shown: '/srv/logs', at: '/srv/logs' },
      ])('quotes of log files in $title only what was written since', async ({ shown, at }) => {
        const root = directory.at(`host-${count + 1}`);
        const logs = `${root}${at}`;
        const host = new MadeUpHost({
          root,
          programs: {
            curl: `case "$*" in
*/restart)
echo 'x FATAL:  the reason' >>'${logs}/a.log'
echo 'x HINT:  what helps' >'${logs}/b.log'
echo 'x DETAIL:  more of it' >'${logs}/c.log'
printf '%s\\n%s' 'restart failed' 503 ;;
esac`,
            runuser: `case "$*" in *'SHOW log_directory'*) echo '${shown.startsWith('/') ? root : ''}${shown}' ;; esac`,
            journalctl: ':',
          },
          paths: ['/opt/pg', '/srv/data'],
        });
        count += 1;
        host.write(`${at}/a.log`, 'x FATAL:  an old reason\n');
        host.write(`${at}/c.log`, 'x FATAL:  another old reason, in a file that is begun anew\n');
        host.write(`${at}/d.log`, 'x FATAL:  the oldest reason\n');
        const { out } = await run(shell, host.script(patroniRestart(options).apply([], { started: '1000.5' })));
        expect(out.split('\n').slice(1, 4)).toEqual(['x DETAIL:  more of it', 'x FATAL:  the reason', 'x HINT:  what helps']);
        expect(out).not.toContain('old');
      });

      it('restarts no server that has become the leader', async () => {
        const { status, out } = await restarted('restart conditions are not satisfied', 503, '');
        expect([status, out]).toEqual([
          NOTHING_DONE,
          'pg2 is no standby any more, so Patroni did not restart its PostgreSQL; give the same command again\n',
        ]);
      });

      it('only applies to a server that has the expected start time', () => {
        const { diff } = patroniRestart(options);
        expect(diff({ started: '1000.5' })).toEqual([{ action: 'restart', summary: 'restart PostgreSQL on pg2' }]);
        expect([diff({ started: '2000.5' }), diff({ started: undefined })]).toEqual([[], []]);
      });
    });

    describe('replayedLimits', () => {
      const waits = async (control: string): Promise<number> => {
        const host = hostWith({});
        host.write('/opt/pg/pg_controldata', `#!/bin/sh\ncat <<'E'\n${control}\nE\n`);
        await feed(shell, sh`chmod 755 ${host.at('/opt/pg/pg_controldata')}`.text);
        const limits = { max_connections: 100, max_prepared_transactions: 5 };
        const resource = replayedLimits({ member: 'pg2', binDirectory: '/opt/pg', data: '/srv/data', limits });
        return (await feed(shell, host.script(resource.probe()).text)).code ?? -1;
      };

      it('sees in the control file whether all are replayed', async () => {
        expect(await waits('max_connections setting:              100\nmax_prepared_xacts setting:           5')).toBe(0);
        expect(await waits('max_connections setting:              90\nmax_prepared_xacts setting:           0')).toBe(0);
        expect(await waits('max_connections setting:              100\nmax_prepared_xacts setting:           6')).not.toBe(0);
        expect(await waits('nothing')).not.toBe(0);
      });
    });

    it('serverLimits reads the control file while the server is down', async () => {
      const host = hostWith({ runuser: 'exit 2' });
      host.write(
        '/opt/pg/pg_controldata',
        '#!/bin/sh\necho "max_connections setting:              160"\necho "max_worker_processes setting: 8"\n',
      );
      await feed(shell, sh`chmod 755 ${host.at('/opt/pg/pg_controldata')}`.text);
      expect(await observe(shell, host.observation(serverLimits(SERVER, '/srv/data')))).toEqual({
        started: undefined,
        running: undefined,
        control: { max_connections: 160, max_worker_processes: 8 },
      });
    });

    describe('unitRestart', () => {
      const systemctl = 'case "$1" in -q) exit 0 ;; show) echo abc ;; esac';

      it('knows a unit’s start, and restarts only a unit that still has it', async () => {
        expect(await observe(shell, hostWith({ systemctl }).observation(unitStart('patroni')))).toBe('abc');
        expect(await observe(shell, hostWith({ systemctl: 'exit 3' }).observation(unitStart('patroni')))).toBe('');
        const { diff } = unitRestart({ unit: 'patroni', before: 'abc' });
        expect([diff('abc').length, diff('def').length, diff('').length]).toEqual([1, 0, 0]);
      });

      it('does not restart it when there is an objection', async () => {
        const restart = async (unless: Script): Promise<[number | null, string[]]> => {
          const host = hostWith({ systemctl });
          const { code } = await run(shell, host.script(unitRestart({ unit: 'x', before: 'abc', unless }).apply([], 'abc')));
          return [code, host.calls('systemctl')];
        };
        expect(await restart(sh`false`)).toEqual([NOTHING_DONE, []]);
        expect(await restart(sh`true`)).toEqual([0, ['systemctl reset-failed x', 'systemctl restart x']]);
      });

      it('says what is down where the unit did not come up again, and that nothing was done where it runs as before', async () => {
        const failing = async (isActive: boolean, job = ''): Promise<[number | null, string]> => {
          const host = hostWith({
            systemctl: `case "$1 $*" in -q*) exit ${isActive ? 0 : 3} ;; *InvocationID*) echo abc ;; *Job*) echo ${job} ;; restart*) exit 1 ;; esac`,
            journalctl: 'echo "Control process exited, status=1/FAILURE"',
          });
          const options = { unit: 'x', before: 'abc', downWithIt: 'PostgreSQL is down with it' };
          const { code, out } = await run(shell, host.script(unitRestart(options).apply([], 'abc')));
          return [code, out];
        };
        expect(await failing(false)).toEqual([
          1,
          'x did not restart, and does not run now; its last words:\nControl process exited, status=1/FAILURE\nPostgreSQL is down with it\n',
        ]);
        expect(await failing(true)).toEqual([
          NOTHING_DONE,
          'x did not restart; its last words:\nControl process exited, status=1/FAILURE\n',
        ]);
        expect((await failing(true, '17'))[0]).toBe(1);
      });
    });
  });
});

interface Ended {
  status: number | null;
  out: string;
  calls: string[];
}

/** Runs what a step runs. */
async function run(shell: Shell, script: Script): Promise<{ code: number | null; out: string }> {
  const { code, out } = await feed(shell, Script.build(`set -eu\nnote() { :; }\n${script.text}`).text);
  return { code, out: out.toString() };
}
