import { existsSync, mkdirSync, readdirSync, readlinkSync, renameSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { formerDataRemoved } from '../../src/resources/upgrade/notes.js';
import { formerSpacesAside, spacesBack, spacesOf } from '../../src/resources/upgrade/spaces.js';
import { freshDirectory } from '../support/directory.js';
import { bringAbout, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const work = freshDirectory();
const [OLD, NEW] = ['PG_15_202209061', 'PG_17_202406281'];

/** Data of a major with the two tablespaces `a space` and `other`, which have its catalog's version in their names. */
function make(name: string, version: number, catalog: number): string {
  mkdirSync(work.at(name, 'pg_tblspc'), { recursive: true });
  mkdirSync(work.at(name, 'global'));
  writeFileSync(work.at(name, 'PG_VERSION'), `${version}\n`);
  const control = Buffer.alloc(64);
  new Uint32Array(control.buffer, control.byteOffset, 16).set([1, 2, 1300, catalog]);
  writeFileSync(work.at(name, 'global', 'pg_control'), control);
  for (const [oid, space] of [
    ['16400', 'a space'],
    ['16401', 'other'],
  ] as const) {
    mkdirSync(work.at(space, `PG_${version}_${catalog}`), { recursive: true });
    writeFileSync(work.at(space, `PG_${version}_${catalog}`, 'table'), 'rows');
    symlinkSync(work.at(space), work.at(name, 'pg_tblspc', oid));
  }
  return work.at(name);
}

const identity = (path: string): string => {
  const { ino, mtimeMs } = statSync(`${path}/PG_VERSION`);
  return `${ino}-${Math.floor(mtimeMs / 1000)}`;
};
const link = (data: string, oid = '16400'): string => readlinkSync(`${data}/pg_tblspc/${oid}`);
const there = (space: string): string[] => readdirSync(work.at(space)).sort();

describe('tablespaces of two majors in the same directories', () => {
  inEveryShell(HOST_SHELLS, (shell) => {
    it('go aside one by one, lead to where they are, and come back', async () => {
      const old = make('15', 15, 202209061);
      make('17', 17, 202406281);
      const went = await bringAbout(shell, formerSpacesAside(old, identity(old)));
      expect([went.answer?.status, went.left]).toEqual([0, []]);
      expect([there('a space'), there('other')]).toEqual([[NEW], [NEW]]);
      expect(link(old)).toMatch(/\/a space\.aside-\d+T\d+$/u);
      expect(readdirSync(link(old))).toEqual([OLD]);
      expect(link(work.at('17'))).toBe(work.at('a space'));
      expect((await bringAbout(shell, formerSpacesAside(old, identity(old)))).changes).toEqual([]);
      const came = await bringAbout(shell, spacesBack(old, identity(old)));
      expect([came.answer?.status, came.left]).toEqual([0, []]);
      expect([there('a space'), there('other')]).toEqual([
        [OLD, NEW],
        [OLD, NEW],
      ]);
      expect(link(old)).toBe(work.at('a space'));
      expect(readdirSync(work.path).sort()).toEqual(['15', '17', 'a space', 'other']);
    });

    it('go aside, and come back, also where that was cut off between the link and the directory', async () => {
      const old = make('15', 15, 202209061);
      const to = `${work.at('a space')}.aside-20261129T200000`;
      symlinkSync(to, work.at('15', 'pg_tblspc', 'x'));
      renameSync(work.at('15', 'pg_tblspc', 'x'), work.at('15', 'pg_tblspc', '16400'));
      await bringAbout(shell, formerSpacesAside(old, identity(old)));
      expect([readdirSync(to), there('a space'), there('other')]).toEqual([[OLD], [], []]);
      renameSync(`${to}/${OLD}`, work.at('a space', OLD));
      await bringAbout(shell, spacesBack(old, identity(old)));
      expect([link(old), there('a space'), existsSync(to)]).toEqual([work.at('a space'), [OLD], false]);
    });

    it('stay where other data is in the place by now, or what would come back is there', async () => {
      const old = make('15', 15, 202209061);
      expect((await bringAbout(shell, formerSpacesAside(old, 'another'))).changes).toEqual([]);
      await bringAbout(shell, formerSpacesAside(old, identity(old)));
      mkdirSync(work.at('a space', OLD));
      const came = await bringAbout(shell, spacesBack(old, identity(old)));
      expect([came.answer?.status, came.answer?.words]).toEqual([1, expect.stringContaining(`${OLD} is there already`)]);
      expect(readdirSync(link(old))).toEqual([OLD]);
    });

    it.each([false, true])('go with the data that is removed, and no others, aside: %s', async (aside) => {
      const old = make('15', 15, 202209061);
      make('17', 17, 202406281);
      const was = identity(old);
      if (aside) await bringAbout(shell, formerSpacesAside(old, was));
      const removed = await bringAbout(shell, formerDataRemoved(old, was));
      expect([removed.answer?.status, removed.left]).toEqual([0, []]);
      expect(readdirSync(work.path).sort()).toEqual(['17', 'a space', 'other']);
      expect([there('a space'), there('other')]).toEqual([[NEW], [NEW]]);
    });

    it('are told where those of the new major would come into being', async () => {
      const old = make('15', 15, 202209061);
      const asked = async (): Promise<string> =>
        (await runSections(shell, [{ id: 'see', mode: 'probe', body: spacesOf(17, { path: old, draft: work.at('none') }) }])).answers
          .get('see')
          ?.out.toString('utf8') ?? '';
      expect(await asked()).toBe('');
      mkdirSync(work.at('other', NEW));
      expect(await asked()).toBe(`${work.at('other', NEW)}\n`);
    });
  });
});
