import { describe, expect, it } from 'vitest';
import { readEtcdFile } from '../../src/resources/etcd/file.js';
import { etcdWrite, madeUpBolt } from '../support/made-up-bolt.js';

const WRITES = [
  etcdWrite(2, '/service/demo/config', '{"ttl":30}'),
  etcdWrite(3, '/service/demo/leader', 'pg1'),
  etcdWrite(4, '/service/demo/config', `{"ttl":20,"note":"${'x'.repeat(300)}"}`),
  etcdWrite(5, '/service/demo/leader'),
];

describe('readEtcdFile', () => {
  it.each([
    {
      title: 'a bucket within its parent',
      pages: [WRITES.slice(0, 2)],
      keys: { '/service/demo/config': '{"ttl":30}', '/service/demo/leader': 'pg1' },
      revision: 3,
    },
    {
      title: 'pages below a branch, the last write of a key, and none of one that was deleted',
      pages: [WRITES.slice(0, 3), WRITES.slice(3)],
      keys: { '/service/demo/config': `{"ttl":20,"note":"${'x'.repeat(300)}"}` },
      revision: 5,
    },
  ])('reads $title', ({ pages, keys, revision }) => {
    const read = readEtcdFile(madeUpBolt(pages));
    expect(Object.fromEntries(read.keys)).toEqual(keys);
    expect(read.revision).toBe(revision);
  });

  it('goes by the older beginning where the newer one was written in part', () => {
    const file = madeUpBolt([WRITES]);
    file.writeUInt8(9, 4096 + 16 + 20);
    expect(readEtcdFile(file).revision).toBe(5);
  });

  it.each([
    { title: 'nothing', file: Buffer.alloc(0) },
    { title: 'zeros', file: Buffer.alloc(20_000) },
    { title: 'a file that is cut off', file: madeUpBolt([WRITES, WRITES]).subarray(0, 4 * 4096 + 100) },
    { title: 'a file that is cut off within a page', file: madeUpBolt([WRITES, WRITES]).subarray(0, 5 * 4096 + 400) },
    { title: 'a page that was overwritten with another one', file: withPage(madeUpBolt([WRITES, WRITES]), 6, 5) },
    { title: 'an entry beyond its page', file: withSize(madeUpBolt([WRITES, WRITES])) },
  ])('refuses $title', ({ file }) => expect(() => readEtcdFile(file)).toThrow(RangeError));
});

/** The file with a page in the place of another one, as a disk that mixes up what it writes leaves it. */
function withPage(file: Buffer, place: number, page: number): Buffer {
  file.copy(file, place * 4096, page * 4096, (page + 1) * 4096);
  return file;
}

function withSize(file: Buffer): Buffer {
  file.writeUInt32LE(0x7fffffff, 5 * 4096 + 16 + 12);
  return file;
}
