import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { putAside } from '../../../src/resources/put-aside.js';
import {
  halfTablespacesAside,
  tablespaceCopiesRemoved,
  tablespaces,
  tablespacesAside,
  tablespacesCopied,
  tablespacesKept,
  tablespacesNoted,
} from '../../../src/resources/streaming/tablespaces.js';
import { joinScripts, sh, type Script } from '../../../src/shell/quote.js';
import { freshDirectory, ME } from '../../support/directory.js';
import { observe } from '../../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../../support/shells.js';

const work = freshDirectory();

describe('tablespaces', () => {
  inEveryShell(HOST_SHELLS, (shell) => {
    const run = (script: Script): string =>
      execFileSync(shell, ['-c', `set -e\n${script.text}`], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    const link = (oid: string, at = work.at('data')): string => readlinkSync(`${at}/pg_tblspc/${oid}`);
    const beside = (name: string): string[] =>
      readdirSync(work.path)
        .filter((entry) => entry.startsWith(name))
        .sort();

    /** Data with a tablespace in `a space`, which has one table. */
    const make = (): void => {
      mkdirSync(work.at('data', 'pg_tblspc'), { recursive: true });
      writeFileSync(work.at('data', 'PG_VERSION'), '17\n');
      mkdirSync(work.at('a space', 'PG_17_202406281'), { recursive: true });
      writeFileSync(work.at('a space', 'PG_17_202406281', 'table'), 'rows');
      symlinkSync(work.at('a space'), work.at('data', 'pg_tblspc', '16400'));
    };

    it('are seen with their size, their disk, and what keeps them in their place', async () => {
      make();
      mkdirSync(work.at('shared', 'PG_17_202406281'), { recursive: true });
      mkdirSync(work.at('shared', 'PG_15_202209061'));
      symlinkSync(work.at('shared'), work.at('data', 'pg_tblspc', '16401'));
      symlinkSync(work.at('gone'), work.at('data', 'pg_tblspc', '16402'));
      const { disk, all } = await observe(shell, tablespaces(work.at('data')));
      expect(disk.free).toBeGreaterThan(0);
      expect(all.map(({ location, fixed, disk: on }) => [location, fixed, on.device === disk.device])).toEqual([
        [work.at('a space'), undefined, true],
        [work.at('shared'), 'has more in it than one tablespace', true],
        [work.at('gone'), undefined, true],
      ]);
      expect(all[0]?.bytes).toBeGreaterThan(0);
      expect((await observe(shell, tablespaces(work.at('none')))).all).toEqual([]);
    });

    it('go aside with their data, which leads to them where they are', () => {
      make();
      run(joinScripts([tablespacesAside(work.at('data')), putAside(work.at('data'), { ...ME, mode: '0700' })]));
      const [data = ''] = beside('data.aside-');
      const to = link('16400', work.at(data));
      expect(to).toMatch(/\/a space\.aside-\d+T\d+$/u);
      expect(readFileSync(`${to}/PG_17_202406281/table`, 'utf8')).toBe('rows');
      expect(readdirSync(work.at('a space'))).toEqual([]);
    });

    it.each([
      ['before its link was set', (to: string) => symlinkSync(to, work.at('data', 'pg_tblspc', '16400.pgprov')), false],
      ['before its directory was renamed', () => undefined, true],
      ['before there was an empty one', (to: string) => renameSync(work.at('a space'), to), true],
    ])('go aside once, also when that was cut off %s', (_moment, cut, linked) => {
      make();
      const to = `${work.at('a space')}.aside-20261129T200000`;
      if (linked) {
        symlinkSync(to, work.at('data', 'pg_tblspc', 'x'));
        renameSync(work.at('data', 'pg_tblspc', 'x'), work.at('data', 'pg_tblspc', '16400'));
      }
      cut(to);
      for (let again = 0; again < 2; again += 1) run(tablespacesAside(work.at('data')));
      expect(readdirSync(work.at('data', 'pg_tblspc'))).toEqual(['16400']);
      if (linked) expect(link('16400')).toBe(to);
      expect(beside('a space')).toHaveLength(2);
      expect(readFileSync(`${link('16400')}/PG_17_202406281/table`, 'utf8')).toBe('rows');
      expect(readdirSync(work.at('a space'))).toEqual([]);
    });

    it('are copied back into their places, and only what was copied is removed', () => {
      make();
      run(joinScripts([tablespacesAside(work.at('data')), putAside(work.at('data'), { ...ME, mode: '0700' })]));
      const from = work.at(beside('data.aside-')[0] ?? '');
      const draft = work.at('data.pgprov-copy');
      const copy = joinScripts([sh`rm -rf ${draft}`, sh`cp -a ${from} ${draft}`, tablespacesCopied(from, work.at('data'), draft)]);
      run(copy);
      expect([link('16400', draft), link('16400', from)]).toEqual([work.at('a space'), expect.stringContaining('.aside-')]);
      expect(readFileSync(work.at('a space', 'PG_17_202406281', 'table'), 'utf8')).toBe('rows');
      run(tablespaceCopiesRemoved(work.at('data')));
      expect(readdirSync(work.at('a space'))).toEqual([]);
      expect(readdirSync(link('16400', from))).toEqual(['PG_17_202406281']);
      run(halfTablespacesAside(work.at('data')));
      writeFileSync(work.at('a space', 'of somebody'), '');
      expect(() => run(copy)).toThrow('has no empty directory that it could be copied into');
      run(tablespaceCopiesRemoved(work.at('data')));
      expect(readdirSync(work.at('a space'))).toEqual(['of somebody']);
    });

    it('are put aside where a copy was broken off, but for what was there before it, and never once it is whole', () => {
      for (const name of ['one', 'two']) mkdirSync(work.at(name));
      writeFileSync(work.at('two', 'of somebody'), '');
      const noted = tablespacesNoted(work.at('data'), sh`printf '%s\n' ${work.at('one')} ${work.at('two')} ${work.at('none')}`);
      run(noted);
      writeFileSync(work.at('one', 'half'), '');
      run(halfTablespacesAside(work.at('data')));
      expect([readdirSync(work.at('one')), beside('one').length, beside('two')]).toEqual([[], 2, ['two']]);
      run(noted);
      writeFileSync(work.at('one', 'whole'), '');
      run(tablespacesNoted(work.at('none'), sh`:`));
      expect(beside('none')).toEqual([]);
      run(joinScripts([tablespacesKept(work.at('data')), halfTablespacesAside(work.at('data'))]));
      expect([readdirSync(work.at('one')), existsSync(`${work.at('data')}.pgprov-tablespaces`)]).toEqual([['whole'], false]);
    });
  });
});
