import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { replaceBlock } from '../../../src/resources/files/blocks.js';
import { editedFile } from '../../../src/resources/files/edited-file.js';
import type { PathState } from '../../../src/resources/files/path.js';
import { freshDirectory, ME } from '../../support/directory.js';
import { bringAbout } from '../../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../../support/shells.js';

const BLOCK = '# BEGIN pgprov demo\na\nb\n# END pgprov demo';

describe('replaceBlock', () => {
  it.each([
    { title: 'an empty text', current: '', text: `${BLOCK}\n` },
    { title: 'a text without the block', current: 'x\n', text: `x\n${BLOCK}\n` },
    { title: 'a text without a line end', current: 'x', text: `x\n${BLOCK}\n` },
    { title: 'a text that has the block', current: `x\n${BLOCK}\ny\n`, text: `x\n${BLOCK}\ny\n` },
    { title: 'another block of the name', current: 'x\n# BEGIN pgprov demo\nold\n# END pgprov demo\ny\n', text: `x\n${BLOCK}\ny\n` },
    { title: 'an empty block', current: '# BEGIN pgprov demo\n# END pgprov demo\n', text: `${BLOCK}\n` },
    {
      title: 'a block of another name',
      current: '# BEGIN pgprov demo2\nold\n# END pgprov demo2\n',
      text: `# BEGIN pgprov demo2\nold\n# END pgprov demo2\n${BLOCK}\n`,
    },
    {
      title: 'both blocks',
      current: '# BEGIN pgprov demo2\nold\n# END pgprov demo2\n# BEGIN pgprov demo\nold\n# END pgprov demo\n',
      text: `# BEGIN pgprov demo2\nold\n# END pgprov demo2\n${BLOCK}\n`,
    },
    { title: 'a block whose end is missing', current: 'x\n# BEGIN pgprov demo\nold\n', text: `x\n${BLOCK}\nold\n` },
  ])('works on $title', ({ current, text }) => expect(replaceBlock(current, 'demo', ['a', 'b'])).toBe(text));

  it.each([
    { title: 'a text without it', current: 'x\ny\nz\ny\n', text: `x\n${BLOCK}\ny\nz\ny\n` },
    { title: 'a block behind', current: `x\ny\nz\n${BLOCK}\n`, text: `x\n${BLOCK}\ny\nz\n` },
    { title: 'a block ahead', current: `${BLOCK}\nx\ny\n`, text: `${BLOCK}\nx\ny\n` },
    { title: 'no such line', current: `x\n${BLOCK}\nz\n`, text: `x\n${BLOCK}\nz\n` },
    {
      title: 'such a line in a block of another name',
      current: '# BEGIN pgprov other\ny\n# END pgprov other\nx\ny\n',
      text: `# BEGIN pgprov other\ny\n# END pgprov other\nx\n${BLOCK}\ny\n`,
    },
  ])('puts it ahead of a line: $title', ({ current, text }) => {
    expect(replaceBlock(current, 'demo', ['a', 'b'], /^y$/u)).toBe(text);
    expect(replaceBlock(text, 'demo', ['a', 'b'], /^y$/u)).toBe(text);
  });

  const line = fc.oneof(
    fc.constantFrom('127.0.0.1 localhost', '', '# BEGIN pgprov other', '# END pgprov other', '#'),
    fc.string({ maxLength: 12 }).map((text) => text.replaceAll('pgprov', '')),
  );
  const words = fc.array(
    line.filter((text) => !text.includes('\n')),
    { maxLength: 4 },
  );

  it('changes nothing the second time, and nothing outside', () => {
    fc.assert(
      fc.property(words, fc.option(words), words, words, (before, old, after, lines) => {
        const block = old === null ? [] : ['# BEGIN pgprov demo', ...old, '# END pgprov demo'];
        const current = [...before, ...block, ...after].join('\n');
        const once = replaceBlock(current, 'demo', lines);
        expect(replaceBlock(once, 'demo', lines)).toBe(once);
        for (const kept of [...before, ...after]) expect(once.split('\n')).toContain(kept);
        expect(once.split('# BEGIN pgprov demo\n')).toHaveLength(2);
      }),
    );
  });

  it('keeps the lines after a block whose end is missing', () => {
    const once = replaceBlock('x\n# BEGIN pgprov demo\n10.0.0.9 theirs\n', 'demo', ['a', 'b']);
    expect(replaceBlock(once, 'demo', ['a', 'b'])).toBe(once);
  });

  it('accepts only a whole line as the end of its block', () => {
    const current = '# BEGIN pgprov demo\nold\n# END pgprov demo2\n# END pgprov demo\n';
    expect(replaceBlock(current, 'demo', ['a', 'b'])).toBe(`${BLOCK}\n`);
  });
});

describe('editedFile', () => {
  const shout = (current: string): string => current.toUpperCase();
  const is = (content: string, mode = '0644'): PathState => ({
    type: 'file',
    owner: 'root',
    group: 'bob',
    mode,
    content: Buffer.from(content),
  });

  it.each<{ title: string; options: object; state: PathState; changes: object[] }>([
    { title: 'as desired', options: {}, state: is('X'), changes: [] },
    { title: 'another text', options: {}, state: is('x'), changes: [{ action: 'update', summary: 'write /f', before: 'x', after: 'X' }] },
    { title: 'a mode when none is wanted', options: {}, state: is('X', '0600'), changes: [] },
    {
      title: 'a mode that differs from the wanted one',
      options: { mode: '0640' },
      state: is('X'),
      changes: [
        {
          action: 'update',
          summary: 'set /f to root:bob 0640 (is root:bob 0644)',
          danger: '/f has mode 0644 instead of 0640: others on the host may read it',
          part: 'ownership',
        },
      ],
    },
    { title: 'sensitive', options: { sensitive: true }, state: is('x'), changes: [{ action: 'update', summary: 'write /f' }] },
    {
      title: 'absent',
      options: {},
      state: { type: 'absent' },
      changes: [{ action: 'create', summary: 'write /f (root:root 0644)', before: '', after: '' }],
    },
  ])('compares its block: $title', ({ options, state, changes }) => {
    expect(editedFile({ path: '/f', edit: shout, digest: 'd', ...options }).diff(state)).toEqual(changes);
  });

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    const block = (path: string): ReturnType<typeof editedFile> =>
      editedFile({ path, edit: (current) => replaceBlock(current, 'demo', ['10.0.0.1 pg1']), digest: 'd' });

    it('edits an existing file, and keeps its mode', async () => {
      writeFileSync(work.at('hosts'), '127.0.0.1 localhost\n');
      chmodSync(work.at('hosts'), 0o640);
      expect((await bringAbout(shell, block(work.at('hosts')))).left).toEqual([]);
      expect(readFileSync(work.at('hosts'), 'utf8')).toBe('127.0.0.1 localhost\n# BEGIN pgprov demo\n10.0.0.1 pg1\n# END pgprov demo\n');
      expect(statSync(work.at('hosts')).mode & 0o777).toBe(0o640);
      expect((await bringAbout(shell, block(work.at('hosts')))).changes).toEqual([]);
    });

    it('makes a missing file', async () => {
      const { left } = await bringAbout(shell, editedFile({ path: work.at('new'), edit: () => 'x\n', digest: 'd', ...ME }));
      expect(left).toEqual([]);
    });

    it('refuses to edit a file that is not UTF-8, and leaves its bytes alone', async () => {
      const theirs = Buffer.from('# Gr\xfc\xdfe\n127.0.0.1 localhost\n', 'latin1');
      writeFileSync(work.at('hosts'), theirs);
      await expect(bringAbout(shell, block(work.at('hosts')))).rejects.toThrow('not UTF-8');
      expect(readFileSync(work.at('hosts')).equals(theirs)).toBe(true);
    });
  });
});
