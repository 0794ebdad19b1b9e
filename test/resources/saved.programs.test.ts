import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { savedFile, savedFiles, savedOutput, type SavedPart, type SavedState } from '../../src/resources/saved.js';
import { FrameParser, frameScript, type Answer } from '../../src/shell/frame.js';
import { sh } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { feed, inEveryShell, SHELLS } from '../support/shells.js';

inEveryShell(SHELLS, (shell) => {
  const work = freshDirectory();
  /** What a part gives that is asked of this machine, as text. */
  const asked = async (part: SavedPart): Promise<{ files: Record<string, string>; missing: SavedState['missing'] }> => {
    const { text, nonce } = frameScript([{ id: 'x', body: part.probe(), mode: 'probe' }]);
    let answer: Answer = { status: -1, out: Buffer.alloc(0) };
    const parser = new FrameParser(nonce, { done: (_id, given) => (answer = given) });
    parser.push((await feed(shell, text)).out);
    expect(parser.complete).toBe(true);
    const { files, missing } = part.parse(answer);
    return { files: Object.fromEntries(files.map(({ name, content }) => [name, content.toString('latin1')])), missing };
  };

  it('keeps a file byte by byte, also where its directory has an odd name', async () => {
    mkdirSync(work.at("it's $HOME"));
    const bytes = Buffer.from([...Array(256).keys(), 10, 10]);
    writeFileSync(work.at("it's $HOME", 'a'), bytes);
    expect(await asked(savedFile('x/a', work.at("it's $HOME", 'a')))).toEqual({ files: { 'x/a': bytes.toString('latin1') }, missing: [] });
  });

  it('says why a file is not kept', async () => {
    writeFileSync(work.at('large'), 'x'.repeat(20));
    symlinkSync('nowhere', work.at('dangling'));
    expect(await asked(savedFile('a', work.at('large'), { limit: 19 }))).toEqual({
      files: {},
      missing: [{ name: 'a', why: 'it has 20 bytes, more than 19' }],
    });
    expect((await asked(savedFile('a', work.at('dangling')))).missing).toEqual([{ name: 'a', why: `there is no ${work.at('dangling')}` }]);
    expect((await asked(savedFile('a', work.path))).missing).toEqual([{ name: 'a', why: `${work.path} is no file` }]);
    expect(await asked(savedFile('a', work.at('none'), { optional: true }))).toEqual({ files: {}, missing: [] });
  });

  it('keeps the files of a directory that match, and none of others', async () => {
    for (const [name, text] of [
      ['00000002.history', '1\t0/5\n'],
      ['0000000A.history', ''],
      ['000000010000000000000001', 'wal'],
    ] as const)
      writeFileSync(work.at(name), text);
    mkdirSync(work.at('odd.history'));
    expect(await asked(savedFiles('pg_wal', work.path, sh`*.history`))).toEqual({
      files: { 'pg_wal/00000002.history': '1\t0/5\n', 'pg_wal/0000000A.history': '' },
      missing: [],
    });
    expect(await asked(savedFiles('pg_wal', work.at('none'), sh`*.history`))).toEqual({ files: {}, missing: [] });
  });

  it('keeps what a program prints, or the last line of why it fails', async () => {
    expect((await asked(savedOutput('a', sh`echo out; echo err >&2`))).files).toEqual({ a: 'out\nerr\n' });
    expect((await asked(savedOutput('a', sh`echo one; echo two >&2; false`))).missing).toEqual([{ name: 'a', why: 'two' }]);
    expect((await asked(savedOutput('a', sh`exit 3`))).missing).toEqual([{ name: 'a', why: 'the host said nothing (status 3)' }]);
  });
});
