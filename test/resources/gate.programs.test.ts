import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { gate } from '../../src/resources/gate.js';
import { joinScripts, sh, type Script } from '../../src/shell/quote.js';
import { workplaces } from '../support/directory.js';
import type { Framed } from '../support/sections.js';
import { observe, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, type Shell } from '../support/shells.js';
import { patience } from '../support/patience.js';

describe('gate', () => {
  /** Gates wait for seconds, so their tests run side by side. */
  const workplace = workplaces();

  const make = (check: Script, timeout: number, hopeless: readonly string[] = ['x509: ', 'No space left']): ReturnType<typeof gate> =>
    gate({ name: 'g', title: "the member's up", check, unit: 'etcd', fatalLogPatterns: hopeless, timeout });

  /** Programs of a made-up host; without `systemctl` and `journalctl` it has neither. */
  function tools(programs: Readonly<Record<string, string>>): Script {
    const bin = join(workplace(), 'bin');
    mkdirSync(bin, { recursive: true });
    for (const name of ['date', 'sleep', 'grep', 'tail', 'cat', 'stat', 'awk', 'basename', 'head', 'sed'].filter(
      (each) => !(each in programs),
    )) {
      const path = ['/usr/bin', '/bin'].map((directory) => join(directory, name)).find(existsSync);
      if (path !== undefined && !existsSync(join(bin, name))) symlinkSync(path, join(bin, name));
    }
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    return sh`PATH=${bin}`;
  }

  const wait = (shell: Shell, before: Script, body: Script): Promise<Framed> =>
    runSections(shell, [{ id: 'gate', mode: 'step', body: joinScripts([before, body]) }]);

  const running = { systemctl: 'echo active', journalctl: ':' };

  it('asks as configured', () => {
    const made = make(sh`etcdctl endpoint health`, 60);
    expect(made.id).toBe('gate:g');
    expect(made.probe().text).toBe('etcdctl endpoint health');
  });

  it('omits the journal when the observation is sufficient', () => {
    const words = gate({ name: 'x', title: 'it is so', check: sh`false`, unit: 'etcd', fatalLogPatterns: [], includeJournal: false })
      .wait()
      .text.split('\n');
    expect(words.slice(words.findIndex((line) => line.startsWith('echo "gave up after')) + 1).slice(0, 2)).toEqual([':', 'exit 1']);
  });

  it.each([
    { status: 0, text: 'leader\n', state: { open: true, seen: 'leader' } },
    { status: 1, text: '', state: { open: false, seen: '' } },
    { status: 127, text: ' no \n', state: { open: false, seen: 'no' } },
  ])('reads $status $text', ({ status, text, state }) => {
    expect(make(sh`x`, 1).parse({ status, out: Buffer.from(text) })).toEqual(state);
  });

  inEveryShell(
    HOST_SHELLS,
    (shell) => {
      it('is helped to open, and not harmed by a failure of the help', async () => {
        const mark = join(workplace(), 'mark');
        const made = gate({
          name: 'g',
          title: 'it is so',
          check: sh`[ -e ${mark} ]`,
          nudge: sh`: >${mark}; exit 1`,
          unit: 'etcd',
          fatalLogPatterns: [],
          timeout: 5,
        });
        expect((await wait(shell, tools(running), made.wait())).answers.get('gate')?.status).toBe(0);
      });

      it('is closed or open', async () => {
        expect(await observe(shell, make(sh`echo no; false`, 1))).toEqual({ open: false, seen: 'no' });
        expect(await observe(shell, make(sh`echo yes`, 1))).toEqual({ open: true, seen: 'yes' });
      });

      it('waits until it opens', { timeout: patience(15_000) }, async () => {
        const path = join(workplace(), 'open');
        const waiting = wait(shell, tools(running), make(sh`[ -e ${path} ]`, 20).wait());
        await sleep(700);
        writeFileSync(path, '');
        const { answers } = await waiting;
        expect(answers.get('gate')).toEqual({ status: 0, out: Buffer.of() });
      });

      it('gives up after its limit, with what it saw and the last lines of the journal', { timeout: patience(15_000) }, async () => {
        const programs = { ...running, journalctl: 'case "$*" in *--since*) ;; *) echo "last words" ;; esac' };
        const began = Date.now();
        const { answers, notes } = await wait(shell, tools(programs), make(sh`echo 'still alone'; false`, 3).wait());
        expect(answers.get('gate')?.status).toBe(1);
        expect(answers.get('gate')?.out.toString()).toMatch(
          /^gave up after [34] s waiting until the member's up: still alone\nlast words\n$/u,
        );
        expect(notes[0]).toMatch(/^waiting until the member's up \(2 s\) still alone$/u);
        expect(Date.now() - began).toBeLessThan(patience(10_000));
      });

      it('waits so many times longer on a host of more patience', { timeout: patience(20_000) }, async () => {
        const sections = [{ id: 'gate', mode: 'step' as const, body: joinScripts([tools(running), make(sh`false`, 2).wait()]) }];
        const { answers } = await runSections(shell, sections, { patience: 3 });
        expect(Number(/^gave up after (\d+) s/u.exec(answers.get('gate')?.out.toString() ?? '')?.[1])).toBeGreaterThanOrEqual(6);
      });

      it('waits while there is progress, and shows it', { timeout: patience(30_000) }, async () => {
        const steps = join(workplace(), 'steps');
        writeFileSync(steps, '');
        const made = gate({
          name: 'g',
          title: 'the copy is there',
          check: sh`false`,
          unit: 'patroni',
          fatalLogPatterns: [],
          timeout: 4,
          variable: 'patroni.start_timeout',
          // It moves at the first three looks, and stands still from then on.
          progress: sh`[ "$(grep -c x ${steps})" -ge 3 ] || echo x >>${steps}
now=$(grep -c x ${steps})
echo "$now"
echo "$now of 9, before $before"`,
        });
        const { answers, notes } = await wait(shell, tools({ ...running, sed: 'exec /usr/bin/env -i /bin/sed "$@"' }), made.wait());
        const waited = Number(/^gave up after (\d+) s/u.exec(answers.get('gate')?.out.toString() ?? '')?.[1]);
        expect(waited).toBeGreaterThan(8);
        expect(answers.get('gate')?.out.toString()).toContain(
          'waiting until the copy is there (patroni.start_timeout: 4, in which it got no further)',
        );
        expect(notes[0]).toMatch(/^waiting until the copy is there \(\d+ s\), 1 of 9, before $/u);
        expect(notes[1]).toContain(', 2 of 9, before 1');
        expect(notes.at(-1)).toContain(', 3 of 9, before 3');
      });

      it('gives up early on a line that more time will not change', { timeout: patience(15_000) }, async () => {
        const mark = join(workplace(), 'stopped');
        const programs = {
          systemctl: `case "$*" in stop*) : >${mark} ;; esac\necho active`,
          journalctl: 'echo fine; echo "x509: bad certificate"; echo "FATAL: no login"',
        };
        const { answers } = await wait(shell, tools(programs), make(sh`false`, 60).wait());
        expect(answers.get('gate')).toEqual({
          status: 1,
          out: Buffer.from("giving up waiting until the member's up:\nx509: bad certificate\nFATAL: no login\n"),
        });
        expect(existsSync(mark), 'a unit that starts at boot has proved itself once').toBe(false);
      });

      it('quotes no cause from before it began to wait', { timeout: patience(15_000) }, async () => {
        const began = join(workplace(), 'began');
        const programs = {
          ...running,
          // The time is its fourth word; what was said before the gate began is told only to who asks for an earlier one.
          journalctl: `[ "\${4#@}" -ge "$(cat ${began})" ] || echo 'FATAL: an old cause'\necho 'x509: bad certificate'`,
        };
        const before = joinScripts([tools(programs), sh`date +%s >${began}`]);
        const { answers } = await wait(shell, before, make(sh`false`, 60).wait());
        expect(answers.get('gate')?.out.toString()).toBe("giving up waiting until the member's up:\nx509: bad certificate\n");
      });

      it('gives up early on a unit that is down', { timeout: patience(15_000) }, async () => {
        const mark = join(workplace(), 'stopped');
        const programs = {
          systemctl: `case "$*" in stop*) echo "$*" >${mark} ;; esac\necho failed; exit 3`,
          journalctl: 'case "$*" in *--since*) ;; *) echo "panic: no" ;; esac',
        };
        const { answers } = await wait(shell, tools(programs), make(sh`false`, 60).wait());
        expect(answers.get('gate')?.out.toString()).toBe("giving up waiting until the member's up:\netcd is failed\npanic: no\n");
        expect(readFileSync(mark, 'utf8'), 'a unit that is not enabled does not go on trying').toBe('stop etcd\n');
      });

      it('says first why a unit has ended, where its journal does', { timeout: patience(15_000) }, async () => {
        const lines = ['opened', 'cp: error: cannot copy: No space left on device', 'cp: error: it was not the last'];
        const programs = { systemctl: 'echo failed; exit 3', journalctl: lines.map((line) => `echo '${line}'`).join('\n') };
        const { answers } = await wait(shell, tools(programs), make(sh`false`, 60, []).wait());
        expect(answers.get('gate')?.out.toString().split('\n')[1]).toBe('etcd is failed: cp: error: cannot copy: No space left on device');
      });

      it('continues, and does not count the time, while a unit takes long to stop for a restart', {
        timeout: patience(30_000),
      }, async () => {
        const count = join(workplace(), 'count');
        writeFileSync(count, '');
        const programs = { ...running, systemctl: `case "$*" in is-active*) echo >>${count} ;; esac\necho deactivating` };
        const check = sh`[ "$(grep -c '' ${count})" -ge 8 ]`;
        const { answers } = await wait(shell, tools(programs), make(check, 5).wait());
        expect(answers.get('gate')).toEqual({ status: 0, out: Buffer.of() });
      });

      it('gives up on a bad sign that returns, though it is seen only now and then', { timeout: patience(15_000) }, async () => {
        const clock = join(workplace(), 'clock');
        writeFileSync(clock, '100');
        // A second passes between two looks, and each line of a loop of ten seconds is seen once.
        const programs = {
          ...running,
          date: `read -r now <${clock}; echo $((now + 1)) >${clock}; echo "$now"`,
          sleep: ':',
          journalctl: `case "$*" in *--since*) read -r now <${clock}; [ $((now % 10)) -ne 5 ] || echo 'x509: again' ;; esac`,
        };
        const { answers } = await wait(shell, tools(programs), make(sh`false`, 60).wait());
        expect(answers.get('gate')?.out.toString()).toContain("giving up waiting until the member's up:\nx509: again\n");
      });

      it('continues when a bad sign disappears', { timeout: patience(15_000) }, async () => {
        const count = join(workplace(), 'count');
        writeFileSync(count, '');
        const programs = { ...running, journalctl: `echo >>${count}; [ "$(cat ${count} | grep -c '')" -gt 2 ] || echo 'x509: once'` };
        const check = sh`[ "$(grep -c '' ${count})" -ge 6 ]`;
        const { answers } = await wait(shell, tools(programs), make(check, 30).wait());
        expect(answers.get('gate')?.status).toBe(0);
        expect(readFileSync(count, 'utf8').length).toBeGreaterThanOrEqual(6);
      });

      /** A server without a collector, whose unit has this as its log. */
      const logging = (log: string, check: Script, timeout: number): ReturnType<typeof gate> =>
        gate({
          name: 'g',
          title: 'it streams',
          check,
          unit: 'postgresql@17-main',
          log: { data: join(workplace(), 'data'), file: log },
          fatalLogPatterns: ['has already been removed'],
          timeout,
        });

      it('quotes what the server has said in a log of its own since it was started last', { timeout: patience(15_000) }, async () => {
        const log = join(workplace(), 'postgresql.log');
        const lines = [
          'FATAL:  an old cause',
          'LOG:  starting PostgreSQL 17.12',
          'LOG:  entering standby mode',
          'FATAL:  the database system is starting up',
          'FATAL:  recovery aborted because of insufficient parameter settings',
          'HINT:  You can restart the server after making the necessary configuration changes.',
        ];
        writeFileSync(log, lines.map((line) => `2026-11-30 02:00:00.123 UTC [7] ${line}\n`).join(''));
        const programs = { systemctl: 'echo failed; exit 3', journalctl: ':' };
        const { answers } = await wait(shell, tools(programs), logging(log, sh`false`, 60).wait());
        expect(answers.get('gate')?.out.toString()).toBe(
          [
            'giving up waiting until it streams:',
            'postgresql@17-main is failed: 2026-11-30 02:00:00.123 UTC [7] FATAL:  recovery aborted because of insufficient parameter settings',
            '2026-11-30 02:00:00.123 UTC [7] FATAL:  recovery aborted because of insufficient parameter settings',
            '2026-11-30 02:00:00.123 UTC [7] HINT:  You can restart the server after making the necessary configuration changes.',
            '',
          ].join('\n'),
        );
      });

      it('gives up on what the server repeats in a log of its own, not on what stood there', { timeout: patience(30_000) }, async () => {
        const log = join(workplace(), 'postgresql.log');
        const gone = 'FATAL:  requested WAL segment 000000010000000000000003 has already been removed';
        writeFileSync(log, `LOG:  starting PostgreSQL 17.12\n${gone}\n`);
        const { answers: first } = await wait(shell, tools(running), logging(log, sh`false`, 6).wait());
        expect(first.get('gate')?.out.toString()).toMatch(/^gave up after \d+ s waiting until it streams\nFATAL: {2}requested WAL/u);
        const { answers } = await wait(shell, tools(running), logging(log, sh`echo ${gone} >>${log}; false`, 60).wait());
        expect(answers.get('gate')?.out.toString()).toMatch(/^giving up waiting until it streams:\nFATAL: {2}requested WAL segment/u);
      });

      /** A gate whose check shows in turn what Patroni does, a second each. */
      const trying = (turns: readonly string[], log = join(workplace(), 'none')): { made: ReturnType<typeof gate>; count: string } => {
        const count = join(workplace(), 'count');
        writeFileSync(count, '');
        const cases = joinScripts(turns.map((turn, at) => sh`[ "$at" != ${at} ] || echo ${turn}`));
        const made = gate({
          name: 'g',
          title: 'it streams',
          check: sh`echo >>${count}
at=$(($(grep -c '' ${count}) / 2 % ${turns.length}))
${cases}
false`,
          unit: 'patroni',
          fatalLogPatterns: [],
          timeout: 60,
          failedStart: { seen: 'PostgreSQL: start failed', log: { data: join(workplace(), 'data'), file: log } },
          // Something moves all the while.
          progress: sh`grep -c '' ${count}`,
        });
        return { made, count };
      };
      /** Time that goes on by a second whenever it is asked, with such a journal. */
      const quick = (journal: string): Readonly<Record<string, string>> => {
        const clock = join(workplace(), 'clock');
        writeFileSync(clock, '100');
        return {
          ...running,
          date: `read -r now <${clock}; echo $((now + 1)) >${clock}; echo "$now"`,
          sleep: ':',
          journalctl: journal,
        };
      };
      const CAUSE = 'FATAL:  could not access file "foo": No such file or directory';

      it('gives up on starts that fail again and again, with the server’s own words, whatever moves', {
        timeout: patience(30_000),
      }, async () => {
        const { made } = trying(['PostgreSQL: starting', 'PostgreSQL: start failed']);
        const journal = `echo 'INFO: no action'; echo '2026-11-30 19:49:20 UTC [7] FATAL:  the database system is starting up'; echo '2026-11-30 19:49:21 UTC [8] ${CAUSE}'`;
        const { answers } = await wait(shell, tools(quick(journal)), made.wait());
        expect(answers.get('gate')?.out.toString()).toMatch(
          /^giving up waiting until it streams:\nPostgreSQL: start failed, \d+ times\n2026-11-30 19:49:21 UTC \[8\] FATAL: {2}could not access file "foo": No such file or directory\n$/u,
        );
      });

      it('counts such starts by what the server says, where attempts in between are too short to be seen', {
        timeout: patience(30_000),
      }, async () => {
        const { made } = trying(['PostgreSQL: start failed']);
        const said = (times: number): string => Array.from({ length: times }, (_, at) => `echo '[${at}] ${CAUSE}'`).join('\n');
        const { answers } = await wait(shell, tools(quick(said(3))), made.wait());
        expect(answers.get('gate')?.out.toString()).toContain('PostgreSQL: start failed, 3 times\n[0] FATAL');
      });

      it('quotes the log of the server where the journal has none of its words', { timeout: patience(30_000) }, async () => {
        const log = join(workplace(), 'postgresql.log');
        writeFileSync(log, `LOG:  starting PostgreSQL 17.12\n${CAUSE}\n`);
        const { made } = trying(['PostgreSQL: starting', 'PostgreSQL: start failed'], log);
        const { answers } = await wait(shell, tools(quick(':')), made.wait());
        expect(answers.get('gate')?.out.toString()).toMatch(/times\nFATAL: {2}could not access file "foo"/u);
      });

      it.each([
        {
          what: 'one start that failed',
          turns: ['PostgreSQL: start failed', ...Array.from({ length: 200 }, () => 'PostgreSQL: starting')],
        },
        { what: 'a server that starts for long', turns: ['PostgreSQL: starting'] },
      ])('does not judge $what', { timeout: patience(30_000) }, async ({ turns }) => {
        const { made, count } = trying(turns);
        const opens = joinScripts([sh`[ "$(grep -c '' ${count})" -ge 60 ]`]);
        const patient = gate({
          name: 'g',
          title: 'it streams',
          check: sh`${made.probe()}
${opens}`,
          unit: 'patroni',
          fatalLogPatterns: [],
          timeout: 300,
          failedStart: { seen: 'PostgreSQL: start failed', log: { data: '/none' } },
        });
        const { answers } = await wait(shell, tools(quick(`echo '[7] ${CAUSE}'`)), patient.wait());
        expect(answers.get('gate')?.status).toBe(0);
      });

      it('also times out without systemd', { timeout: patience(15_000) }, async () => {
        const { answers } = await wait(shell, tools({}), make(sh`false`, 2).wait());
        expect(answers.get('gate')?.status).toBe(1);
        expect(answers.get('gate')?.out.toString()).toMatch(/^gave up after [23] s waiting until the member's up\n/mu);
      });

      // dash keeps `set -e` inside the command substitution of a condition, bash does not.
      it('decides like its probe, though a step stops at failures', async () => {
        const check = sh`answer=$(false)
echo seen`;
        expect(await observe(shell, make(check, 1))).toEqual({ open: true, seen: 'seen' });
        const { answers } = await wait(shell, tools(running), make(check, 2).wait());
        expect(answers.get('gate')?.status).toBe(0);
      });

      it('matches no journal line without fatal patterns', { timeout: patience(15_000) }, async () => {
        const programs = { ...running, journalctl: 'echo "all is well"' };
        const { answers } = await wait(shell, tools(programs), make(sh`false`, 6, []).wait());
        expect(answers.get('gate')?.out.toString()).toContain('gave up after');
      });
    },
    { sideBySide: true },
  );
});
