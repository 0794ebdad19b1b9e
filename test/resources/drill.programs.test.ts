import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { drillPlace } from '../../src/resources/drill/place.js';
import { drillEnd, drillProgram, type DrillOptions } from '../../src/resources/drill/program.js';
import { DRILL_MARKER, drillCleared } from '../../src/resources/drill/scratch.js';
import { freshDirectory, ME } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell } from '../support/shells.js';

const work = freshDirectory();
const DOWN = 'case "$*" in *is-active*-q*|*-q*is-active*) exit 3 ;; *is-active*) echo inactive; exit 3 ;; esac';

/** A directory of a drill, as far as one that was broken off may have come. */
function makeScratch(name: string, { marked = true, filled = true } = {}): string {
  mkdirSync(work.at('place', name, ...(filled ? ['data', 'base'] : [])), { recursive: true });
  if (filled) writeFileSync(work.at('place', name, 'data', 'PG_VERSION'), '17\n');
  if (marked) writeFileSync(work.at('place', name, DRILL_MARKER), 'made by pgprov\n');
  return work.at('place', name);
}

const OPTIONS = (): DrillOptions => ({
  id: 'D',
  cluster: 'demo',
  stanza: 'demo',
  scratch: work.at('place', 'pgprov-drill-D'),
  server: { binDirectory: '/pg/bin', socketDirectory: '/run/postgresql', port: 5432, user: ME.owner, home: '/', superuser: 'own"er' },
  version: 17,
  words: ['--repo=1', '--set=20261129-030000F', '--type=default'],
  size: 1,
  query: `SELECT 'it''s' = "x"; -- $HOME \`id\``,
  database: 'a b',
});

describe('a drill on a host', () => {
  inEveryShell(HOST_SHELLS, (shell) => {
    const hostWith = (programs: Record<string, string> = {}): MadeUpHost =>
      new MadeUpHost({ root: work.path, paths: ['/var/lib/pgprov', '/run'], programs: { systemctl: DOWN, ...programs } });
    const clear = (host = hostWith()): ReturnType<typeof bringAbout<{ done: boolean }>> =>
      bringAbout(shell, host.resource(drillCleared(work.at('place'))));

    it('has a program that the shell can read, whatever the query and the names are', async () => {
      for (const script of [drillProgram(OPTIONS()), drillEnd(OPTIONS())])
        expect(await feed(shell, script.text, { args: ['-n'] })).toMatchObject({ code: 0, err: '' });
    });

    it('removes what drills have left, also one that was broken off as it began, or as it was removed', async () => {
      makeScratch('pgprov-drill-1');
      makeScratch('pgprov-drill-2', { marked: false, filled: false });
      makeScratch('pgprov-drill-3', { filled: false });
      expect((await observe(shell, hostWith().observation(drillPlace(work.at('place'), '/pg/bin')))).left).toHaveLength(3);
      expect((await clear()).left).toEqual([]);
      expect(readdirSync(work.at('place'))).toEqual([]);
      expect((await clear()).changes).toEqual([]);
    });

    it('finds the directory that the last drill was given', async () => {
      mkdirSync(work.at('place'));
      const host = hostWith();
      mkdirSync(work.at('elsewhere', 'pgprov-drill-4', 'data'), { recursive: true });
      writeFileSync(work.at('elsewhere', 'pgprov-drill-4', DRILL_MARKER), '');
      const noted = `${work.at('elsewhere', 'pgprov-drill-4')}\n`;
      mkdirSync(work.at('var', 'lib', 'pgprov', 'drill'), { recursive: true });
      writeFileSync(work.at('var', 'lib', 'pgprov', 'drill', 'scratch'), noted);
      expect((await clear(host)).left).toEqual([]);
      expect(readdirSync(work.at('elsewhere'))).toEqual([]);
    });

    it('leaves alone what no drill has made: without its marker, of another name, behind a link', async () => {
      const unmarked = makeScratch('pgprov-drill-mine', { marked: false });
      const main = makeScratch('main');
      symlinkSync(main, work.at('place', 'pgprov-drill-link'));
      expect((await clear()).changes).toEqual([]);
      expect([existsSync(unmarked), existsSync(`${main}/data/PG_VERSION`)]).toEqual([true, true]);
    });

    it('leaves the data of a server that runs, and says so', async () => {
      const used = makeScratch('pgprov-drill-used');
      const server = spawn('sleep', ['60'], { cwd: `${used}/data` });
      try {
        const { answer } = await clear();
        expect(answer).toEqual({ status: 1, words: `a process still works in ${used}, so it is left there\n` });
        expect(existsSync(`${used}/data/PG_VERSION`)).toBe(true);
      } finally {
        server.kill();
      }
    });
  });
});
