import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../../src/lib/secret.js';
import { directory } from '../../../src/resources/files/directory.js';
import { file } from '../../../src/resources/files/file.js';
import { diffOwnership, parsePath, type PathState } from '../../../src/resources/files/path.js';
import type { Resource } from '../../../src/resources/resource.js';
import { sharedSections } from '../../../src/resources/shared-question.js';
import { joinScripts, sh } from '../../../src/shell/quote.js';
import { freshDirectory, ME } from '../../support/directory.js';
import { MadeUpHost } from '../../support/made-up-host.js';
import { bringAbout, observe, rewritten, runSections } from '../../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });
const there = (content: string | Buffer, ownership = { owner: 'root', group: 'root', mode: '0644' }): PathState => ({
  type: 'file',
  ...ownership,
  content: Buffer.from(content as string),
});

describe('parsePath', () => {
  it.each([
    { text: 'absent\n', state: { type: 'absent' } },
    { text: 'file root adm 640\nx\ny', state: { type: 'file', owner: 'root', group: 'adm', mode: '0640', content: Buffer.from('x\ny') } },
    { text: 'file root root 0\n', state: { type: 'file', owner: 'root', group: 'root', mode: '0000', content: Buffer.of() } },
    { text: 'directory postgres postgres 2755\n', state: { type: 'directory', owner: 'postgres', group: 'postgres', mode: '2755' } },
    { text: 'other symbolic link to /x y\n', state: { type: 'other', what: 'symbolic link to /x y' } },
    { text: 'other fifo\n', state: { type: 'other', what: 'fifo' } },
  ])('reads $text', ({ text, state }) => expect(parsePath('file:/x', answer(text))).toEqual(state));

  it('accepts content by its SHA-256', () => {
    expect(parsePath('file:/x', answer('wanted root adm 640\n'), Buffer.from('Grüße'))).toEqual(
      there('Grüße', { owner: 'root', group: 'adm', mode: '0640' }),
    );
    expect(() => parsePath('file:/x', answer('wanted root adm 640\n'))).toThrow(/unknown/u);
  });

  it.each([
    answer(''),
    answer('absent'),
    answer('file root\n'),
    answer('what is this\n'),
    answer('absent\n', 1),
    answer('file root root 644\npart', 1),
  ])('rejects unknown output', (unknown) =>
    expect(() => parsePath('file:/x', unknown)).toThrow(/file:\/x: the host answered something unknown/u),
  );
});

describe('file', () => {
  it.each<{ title: string; content: string | Secret | Buffer; state: PathState; changes: object[] }>([
    { title: 'as desired', content: 'x', state: there('x'), changes: [] },
    {
      title: 'absent',
      content: 'x',
      state: { type: 'absent' },
      changes: [{ action: 'create', summary: 'write /f (root:root 0644)', before: '', after: 'x' }],
    },
    {
      title: 'with another content',
      content: 'x',
      state: there('y'),
      changes: [{ action: 'update', summary: 'write /f', before: 'y', after: 'x' }],
    },
    {
      title: 'with another mode',
      content: 'x',
      state: there('x', { owner: 'root', group: 'root', mode: '0600' }),
      changes: [{ action: 'update', summary: 'set /f to root:root 0644 (is root:root 0600)', part: 'ownership' }],
    },
    {
      title: 'with other content, owner and mode',
      content: 'x',
      state: there('y', { owner: 'bob', group: 'users', mode: '0600' }),
      changes: [{ action: 'update', summary: 'write /f (root:root 0644)', before: 'y', after: 'x' }],
    },
    {
      title: 'a link',
      content: 'x',
      state: { type: 'other', what: 'symbolic link to /y' },
      changes: [{ action: 'create', summary: 'write /f (root:root 0644), in place of a symbolic link to /y', before: '', after: 'x' }],
    },
    {
      title: 'a directory',
      content: 'x',
      state: { type: 'directory', owner: 'root', group: 'root', mode: '0755' },
      changes: [{ action: 'create', summary: 'write /f (root:root 0644), in place of a directory', before: '', after: 'x' }],
    },
    { title: 'of bytes, as desired', content: Buffer.from([0xff, 0]), state: there(Buffer.from([0xff, 0])), changes: [] },
    {
      title: 'of other bytes, which are not shown',
      content: Buffer.from([0xff, 0]),
      state: there(Buffer.from([0xfe, 0])),
      changes: [{ action: 'update', summary: 'write /f' }],
    },
    {
      title: 'secret',
      content: new Secret('hidden text'),
      state: there('old hidden text'),
      changes: [{ action: 'update', summary: 'write /f' }],
    },
    {
      title: 'secret and absent',
      content: new Secret('hidden text'),
      state: { type: 'absent' },
      changes: [{ action: 'create', summary: 'write /f (root:root 0644)' }],
    },
  ])('compares a file: $title', ({ content, state, changes }) => expect(file({ path: '/f', content }).diff(state)).toEqual(changes));

  it('is written according to the part of a change, whatever the words of the change are', () => {
    const { apply } = file({ path: '/f', content: 'x' });
    expect(apply([{ action: 'update', summary: 'put x there' }], there('y')).text).toContain('mktemp');
    expect(apply([{ action: 'update', summary: 'write it to root', part: 'ownership' }], there('x')).text).not.toContain('mktemp');
  });

  it('has a digest of everything that is desired', () => {
    const digests = [
      file({ path: '/f', content: 'x' }),
      file({ path: '/f', content: 'y' }),
      file({ path: '/g', content: 'x' }),
      file({ path: '/f', content: 'x', mode: '0600' }),
      file({ path: '/f', content: 'x', owner: 'bob' }),
      file({ path: '/f', content: 'x', group: 'bob' }),
    ].map((resource) => resource.digest());
    expect(new Set(digests).size).toBe(digests.length);
    expect(file({ path: '/f', content: new Secret('x') }).digest()).toBe(digests[0]);
  });

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each<{ title: string; found: string; where: boolean; mode?: string; changes: string[] }>([
      { title: 'ignored lines at that place', found: 'a: 1\nb: 2\n', where: true, changes: [] },
      { title: 'ignored lines elsewhere', found: 'a: 1\nb: 2\n', where: false, changes: ['write'] },
      { title: 'lines that matter', found: 'a: 2\nb: 1\n', where: true, changes: ['write'] },
      { title: 'nothing', found: 'a: 1\nb: 1\n', where: true, changes: [] },
      { title: 'ignored lines, and in its mode', found: 'a: 1\nb: 2\n', where: true, mode: '0600', changes: ['set'] },
      { title: 'lines that look like the mark of a part', found: 'in part\nb: 2\n', where: true, changes: ['write'] },
    ])('is left alone when it differs in $title ($where)', async ({ found, where, mode = '0644', changes }) => {
      const path = work.at('f');
      writeFileSync(path, found, { mode: Number.parseInt(mode, 8) });
      const counting = {
        where: where ? sh`[ "$pgprov_asked" = yes ]` : sh`false`,
        sharedQuestions: [{ variable: 'pgprov_asked' as const, subjects: [], ask: () => sh`echo yes` }],
        of: (text: string) => text.replace(/^b:.*$/mu, ''),
      };
      const done = await bringAbout(shell, file({ path, content: 'a: 1\nb: 1\n', ...ME, counting }));
      expect([done.changes.map(({ summary }) => summary.split(' ')[0]), done.left]).toEqual([changes, []]);
      // What is written is whole.
      expect(readFileSync(path, 'utf8')).toBe(changes.includes('write') ? 'a: 1\nb: 1\n' : found);
    });

    it.each([
      { title: 'text', content: 'line\nline\n' },
      { title: 'text without a line end', content: 'a' },
      { title: 'nothing', content: '' },
      { title: 'shell syntax', content: '\'"$(rm -rf x)`y`\\\n%s\\n\n-n\n' },
      { title: 'text with other than ASCII characters', content: 'Grüße ✓\n' },
      { title: 'a long text', content: 'x'.repeat(300_000) },
      { title: 'bytes that are no text', content: Buffer.from([0, 255, 10, 39, 0]) },
    ])('writes $title, once', async ({ content }) => {
      const path = work.at('a file');
      const resource = file({ path, content, ...ME, mode: '0640' });
      const { before, answer: done, left } = await bringAbout(shell, resource);
      expect(before).toEqual({ type: 'absent' });
      expect(done).toEqual({ status: 0, words: '' });
      expect(left).toEqual([]);
      expect(readFileSync(path).equals(Buffer.from(content))).toBe(true);
      expect(statSync(path).mode & 0o7777).toBe(0o640);
      expect(readdirSync(work.path)).toEqual(['a file']);
      expect((await bringAbout(shell, resource)).changes).toEqual([]);
    });

    it('writes only what the program takes that reads it, and leaves what is there otherwise', async () => {
      const path = work.at('checked');
      const resource = (content: string): Resource<PathState> =>
        file({ path, content, ...ME, check: sh`grep -q good "$new" || { echo refused; exit 1; }` });
      expect((await bringAbout(shell, resource('a good text'))).answer).toEqual({ status: 0, words: '' });
      expect((await bringAbout(shell, resource('a bad text'))).answer).toEqual({ status: 1, words: 'refused\n' });
      expect(readFileSync(path, 'utf8')).toBe('a good text');
      expect(readdirSync(work.path)).toEqual(['checked']);
    });

    it('reports only differences, of many paths', async () => {
      const names = ['f', 'f.2', 'f 3', 'back\\slash', 'two\nlines', "it's", '*', 'missing', 'same', 'empty', 'pipe', 'binary'];
      const resources = names.map((name) => file({ path: work.at(name), content: `wanted in ${name}\n`, ...ME }));
      for (const name of names.slice(0, 7)) writeFileSync(work.at(name), `found in ${name}\n`);
      writeFileSync(work.at('same'), 'wanted in same\n');
      writeFileSync(work.at('empty'), '');
      writeFileSync(work.at('binary'), Buffer.from([0, 10, 0, 255, 10, 10]));
      execFileSync('mkfifo', [work.at('pipe')]);
      const { answers } = await runSections(shell, [
        ...sharedSections(resources),
        ...resources.map(({ id, probe }, index) => ({ id: `${index}:${id}`, mode: 'probe' as const, body: probe() })),
      ]);
      const seen = resources.map(({ id, parse }, index) => parse(answers.get(`${index}:${id}`) ?? answer('')));
      const contents = seen.map((state) => (state.type === 'file' ? state.content.toString('latin1') : state));
      expect(contents).toEqual([
        ...names.slice(0, 7).map((name) => `found in ${name}\n`),
        { type: 'absent' },
        'wanted in same\n',
        '',
        { type: 'other', what: 'fifo' },
        '\0\n\0\xff\n\n',
      ]);
      expect(answers.get(`8:${resources[8]?.id}`)?.out.toString()).toMatch(/^wanted \S+ \S+ 644\n$/u);
      expect(resources.map((resource, index) => resource.diff(seen[index] as PathState).length)).toEqual(
        names.map((name) => (name === 'same' ? 0 : 1)),
      );
    });

    it('is read when there is no sha256sum', async () => {
      writeFileSync(work.at('f'), 'x');
      const resource = rewritten(file({ path: work.at('f'), content: 'x', ...ME }), (script) =>
        joinScripts([sh`sha256sum() { return 127; }`, script]),
      );
      expect(await observe(shell, resource)).toMatchObject({ type: 'file', content: Buffer.from('x') });
    });

    it('replaces drafts of a run that was interrupted', async () => {
      writeFileSync(work.at('f.pgprov.a1b2C3'), 'half');
      await bringAbout(shell, file({ path: work.at('f'), content: 'x', ...ME }));
      expect(readdirSync(work.path)).toEqual(['f']);
    });

    it('is written in place when no other file can take its place, such as a mount', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { mv: 'exit 1' } });
      writeFileSync(work.at('f'), 'old', { mode: 0o644 });
      const { ino } = statSync(work.at('f'));
      const { answer: done, left } = await bringAbout(
        shell,
        host.resource(file({ path: work.at('f'), content: 'new', ...ME, mode: '0600' })),
      );
      expect({ done, left }).toEqual({ done: { status: 0, words: '' }, left: [] });
      expect(statSync(work.at('f')).ino).toBe(ino);
      expect(readdirSync(work.path).sort()).toEqual(['bin', 'calls', 'f']);
    });

    it('is labelled for SELinux, whether that succeeds or not', async () => {
      const host = new MadeUpHost({ root: work.path, programs: { restorecon: 'exit 1' } });
      const { answer: done } = await bringAbout(shell, host.resource(file({ path: work.at('f'), content: 'x', ...ME })));
      expect(done).toEqual({ status: 0, words: '' });
      expect(host.calls()).toEqual([`restorecon ${work.at('f')}`]);
    });

    it('replaces content and mode', async () => {
      writeFileSync(work.at('f'), 'old', { mode: 0o777 });
      const { left } = await bringAbout(shell, file({ path: work.at('f'), content: 'new', ...ME, mode: '0600' }));
      expect(left).toEqual([]);
    });

    it('sets the mode alone without replacing the file', async () => {
      writeFileSync(work.at('f'), 'x');
      chmodSync(work.at('f'), 0o600);
      const { ino } = statSync(work.at('f'));
      const { left } = await bringAbout(shell, file({ path: work.at('f'), content: 'x', ...ME }));
      expect(left).toEqual([]);
      expect(statSync(work.at('f')).ino).toBe(ino);
    });

    it('replaces a link, and leaves the target of the link', async () => {
      writeFileSync(work.at('target'), 'theirs');
      symlinkSync('target', work.at('f'));
      const resource = file({ path: work.at('f'), content: 'ours', ...ME });
      expect(await observe(shell, resource)).toEqual({ type: 'other', what: 'symbolic link to target' });
      expect((await bringAbout(shell, resource)).left).toEqual([]);
      expect(readFileSync(work.at('target'), 'utf8')).toBe('theirs');
    });

    it('leaves nothing behind when it fails', async () => {
      const { answer: done, left } = await bringAbout(
        shell,
        file({ path: work.at('f'), content: 'x', owner: 'no-such-user', group: ME.group }),
      );
      expect(done?.status).not.toBe(0);
      expect(done?.words).toContain('no-such-user');
      expect(left).not.toEqual([]);
      expect(readdirSync(work.path)).toEqual([]);
    });

    it('says that its directory is missing', async () => {
      const { answer: done } = await bringAbout(shell, file({ path: work.at('no', 'f'), content: 'x', ...ME }));
      expect(done?.status).not.toBe(0);
      expect(done?.words).toContain('No such file or directory');
    });

    it.each([
      { what: 'a directory', make: () => mkdirSync(work.at('f')), inside: () => work.at('f') },
      {
        what: 'a link to a directory',
        make: () => {
          mkdirSync(work.at('theirs'));
          symlinkSync('theirs', work.at('f'));
        },
        inside: () => work.at('theirs'),
      },
    ])('leaves $what unharmed that is in its place', async ({ make, inside }) => {
      make();
      await bringAbout(shell, file({ path: work.at('f'), content: 'x', ...ME }));
      expect(existsSync(inside()) ? readdirSync(inside()) : []).toEqual([]);
    });
  });
});

describe('directory', () => {
  const is = (mode: string): PathState => ({ type: 'directory', owner: 'root', group: 'root', mode });

  it.each<{ title: string; orMode?: string; state: PathState; changes: string[] }>([
    { title: 'as desired', state: is('0700'), changes: [] },
    { title: 'absent', state: { type: 'absent' }, changes: ['create: make directory /d (root:root 0700)'] },
    { title: 'another mode', state: is('0755'), changes: ['update: set /d to root:root 0700 (is root:root 0755)'] },
    { title: 'an equivalent mode', orMode: '0750', state: is('0750'), changes: [] },
    {
      title: 'a mode that is not accepted',
      orMode: '0750',
      state: is('0755'),
      changes: ['update: set /d to root:root 0700 (is root:root 0755)'],
    },
    { title: 'a file', state: there('x'), changes: ['create: make directory /d (root:root 0700)'] },
  ])('compares a directory: $title', ({ state, changes, ...options }) => {
    const found = directory({ path: '/d', mode: '0700', ...options }).diff(state);
    expect(found.map(({ action, summary }) => `${action}: ${summary}`)).toEqual(changes);
  });

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    it('makes it and its parents, and keeps what is in it', async () => {
      const resource = directory({ path: work.at('a', 'b c'), ...ME, mode: '0750' });
      expect((await bringAbout(shell, resource)).left).toEqual([]);
      writeFileSync(work.at('a', 'b c', 'f'), 'x');
      chmodSync(work.at('a', 'b c'), 0o777);
      expect((await bringAbout(shell, resource)).left).toEqual([]);
      expect(readdirSync(work.at('a', 'b c'))).toEqual(['f']);
      expect((await bringAbout(shell, resource)).changes).toEqual([]);
    });

    it('may be the target of a link, which gets the owner and the mode', async () => {
      mkdirSync(work.at('elsewhere'), { mode: 0o755 });
      symlinkSync('elsewhere', work.at('d'));
      const { left } = await bringAbout(shell, directory({ path: work.at('d'), ...ME, mode: '0700' }));
      expect(left).toEqual([]);
      expect(lstatSync(work.at('d')).isSymbolicLink()).toBe(true);
      expect(statSync(work.at('elsewhere')).mode & 0o777).toBe(0o700);
    });

    it('is not made when a link points to nothing, because its target may not be mounted', async () => {
      symlinkSync('/nowhere/at all', work.at('d'));
      const { answer: done } = await bringAbout(shell, directory({ path: work.at('d'), ...ME }));
      expect(done?.status).not.toBe(0);
      expect(done?.words).toContain(`${work.at('d')} is a symbolic link to /nowhere/at all, and no directory is there: mount or make it`);
    });

    it('says that a file is in its place', async () => {
      writeFileSync(work.at('d'), 'x');
      const { answer: done } = await bringAbout(shell, directory({ path: work.at('d'), ...ME }));
      expect(done?.status).not.toBe(0);
      expect(readFileSync(work.at('d'), 'utf8')).toBe('x');
    });

    // chmod(1) of GNU keeps the set-group-ID bit of a directory unless the mode has five digits.
    it('converges below a directory with an inherited group', async () => {
      chmodSync(work.path, 0o2755);
      expect((await bringAbout(shell, directory({ path: work.at('d'), ...ME, mode: '0700' }))).left).toEqual([]);
    });
  });
});

it.each([
  { mode: '0644', danger: '/k has mode 0644 instead of 0600: others on the host may read it' },
  { mode: '0620', danger: '/k has mode 0620 instead of 0600: others on the host may change it' },
  { mode: '0400', danger: undefined },
])('mode $mode instead of 0600 is dangerous or not', ({ mode, danger }) => {
  const [change] = diffOwnership(
    '/k',
    { type: 'file', owner: 'root', group: 'root', mode, content: Buffer.from('') },
    { owner: 'root', group: 'root', mode: '0600' },
  );
  expect(change?.summary).toBe(`set /k to root:root 0600 (is root:root ${mode})`);
  expect(change?.danger).toBe(danger);
});
