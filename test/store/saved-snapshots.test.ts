import { rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { snapshotContents } from '../../src/store/saved-snapshots.js';
import { writeSnapshot } from '../../src/store/snapshot-file.js';
import { freshDirectory } from '../support/directory.js';

const work = freshDirectory();
const take = async (at: string, keys: string): Promise<string> => {
  const files = new Map([
    ['manifest.json', Buffer.from(JSON.stringify({ at, files: {}, missing: [] }))],
    ['dcs/keys.json', Buffer.from(keys)],
    ['other', Buffer.from('other')],
  ]);
  return (await writeSnapshot({ store: work.path }, new Date(at), files)).file;
};
const told = (found: Awaited<ReturnType<typeof snapshotContents>>): string[] =>
  found.map(
    ({ at, files }) =>
      `${at} ${[...files]
        .filter(([name]) => name !== 'manifest.json')
        .map(([name, text]) => `${name}=${text.toString()}`)
        .join()}`,
  );

it('snapshots are read once, the newest first; one that was removed meanwhile is not there any more', async () => {
  const [first, second] = [await take('2026-11-29T03:00:00.000Z', 'one'), await take('2026-11-29T04:00:00.000Z', 'two')];
  const read = await snapshotContents(work.path, ['dcs/keys.json']);
  expect(told(read)).toEqual(['2026-11-29T04:00:00.000Z dcs/keys.json=two', '2026-11-29T03:00:00.000Z dcs/keys.json=one']);
  // What is in the file now is never asked for: none is written over.
  writeFileSync(first, 'no archive');
  rmSync(second);
  await take('2026-11-29T05:00:00.000Z', 'three');
  expect(told(await snapshotContents(work.path, ['dcs/keys.json'], read))).toEqual([
    '2026-11-29T05:00:00.000Z dcs/keys.json=three',
    '2026-11-29T03:00:00.000Z dcs/keys.json=one',
  ]);
});
