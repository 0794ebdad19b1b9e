import { existsSync, mkdirSync, readdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readFromSnapshot, writeSnapshot } from '../../src/store/snapshot-file.js';
import { freshDirectory } from '../support/directory.js';

const AT = new Date('2026-11-29T03:04:05.678Z');

describe('a snapshot', () => {
  const work = freshDirectory();
  const files = new Map([
    ['manifest.json', Buffer.from('{}')],
    [`hosts/pg1/${'a'.repeat(120)}/${'b'.repeat(120)}`, Buffer.from([0, 255, 10])],
    ['empty', Buffer.alloc(0)],
  ]);
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

  it('can be read by its owner alone, and holds what was put into it', async () => {
    const { file, bytes } = await writeSnapshot({ store: work.at('demo') }, AT, files);
    expect(file).toBe(work.at('demo', 'snapshots', '20261129T030405Z.tar.gz'));
    expect([mode(file), mode(work.at('demo', 'snapshots')), statSync(file).size]).toEqual(['600', '700', bytes]);
    expect(await readFromSnapshot(file, 'manifest.json')).toBe('{}');
    expect(await readFromSnapshot(file, 'empty')).toBe('');
    expect(await readFromSnapshot(file, `hosts/pg1/${'a'.repeat(120)}/${'b'.repeat(120)}`)).toBe('\0\ufffd\n');
    expect(await readFromSnapshot(file, 'nothing-such')).toBeUndefined();
  });

  it('never takes the place of a file', async () => {
    const first = await writeSnapshot({ store: work.path }, AT, files);
    const second = await writeSnapshot({ store: work.path }, AT, files);
    expect([first.file, second.file].map((file) => file.slice(work.at('snapshots').length + 1))).toEqual([
      '20261129T030405Z.tar.gz',
      '20261129T030405Z-2.tar.gz',
    ]);
    writeFileSync(work.at('mine'), 'mine');
    await expect(writeSnapshot({ to: work.at('mine') }, AT, files)).rejects.toMatchObject({
      exitCode: 2,
      message: `${work.at('mine')} is there already, and a snapshot never overwrites a file`,
    });
    await expect(writeSnapshot({ to: work.at('none', 'x') }, AT, files)).rejects.toMatchObject({ kind: 'snapshot/file', exitCode: 2 });
    expect(readdirSync(work.path).sort()).toEqual(['mine', 'snapshots']);
  });

  it('that pgprov took by itself makes room for newer ones; one that was asked for stays', async () => {
    mkdirSync(work.at('snapshots'));
    for (let day = 1; day <= 25; day += 1)
      writeFileSync(work.at('snapshots', `202610${String(day).padStart(2, '0')}T000000Z-before-rebuild.tar.gz`), '');
    writeFileSync(work.at('snapshots', '20260101T000000Z.tar.gz'), '');
    const { file, removed } = await writeSnapshot({ store: work.path, before: 'operate Odd/name' }, AT, files);
    expect(removed.map((each) => each.slice(work.at('snapshots').length + 1, -'-before-rebuild.tar.gz'.length))).toEqual(
      ['01', '02', '03', '04', '05', '06'].map((day) => `202610${day}T000000Z`),
    );
    expect(file).toBe(work.at('snapshots', '20261129T030405Z-before-operate-dd-name.tar.gz'));
    const left = readdirSync(work.at('snapshots')).sort();
    expect(left).toHaveLength(21);
    expect([left[0], left[1], left.at(-1)]).toEqual([
      '20260101T000000Z.tar.gz',
      '20261007T000000Z-before-rebuild.tar.gz',
      '20261129T030405Z-before-operate-dd-name.tar.gz',
    ]);
  });

  it('needs a place to be written to', async () => {
    for (const make of [
      () => writeFileSync(work.at('snapshots'), ''),
      () => symlinkSync(work.at('nowhere', 'else'), work.at('snapshots')),
    ]) {
      make();
      await expect(writeSnapshot({ store: work.path }, AT, files)).rejects.toMatchObject({
        kind: 'snapshot/file',
        exitCode: 2,
        hint: expect.stringContaining('make room there, or have the directory belong to you'),
      });
      unlinkSync(work.at('snapshots'));
    }
    mkdirSync(work.at('elsewhere'));
    symlinkSync(work.at('elsewhere'), work.at('snapshots'));
    await writeSnapshot({ store: work.path }, AT, files);
    expect([readdirSync(work.at('elsewhere')), mode(work.at('elsewhere'))]).toEqual([['20261129T030405Z.tar.gz'], '700']);
  });

  it('that is none is said to be none', async () => {
    writeFileSync(work.at('odd'), 'no archive');
    for (const name of ['odd', 'nowhere'])
      await expect(readFromSnapshot(work.at(name), 'x')).rejects.toMatchObject({ kind: 'snapshot/unreadable', exitCode: 2 });
    expect(existsSync(work.at('nowhere'))).toBe(false);
  });
});
