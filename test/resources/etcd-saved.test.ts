import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { etcdKeys } from '../../src/resources/etcd/keys.js';
import { savedEtcdSnapshot } from '../../src/resources/etcd/saved.js';
import { configInKeys, savedKeys } from '../../src/resources/saved-keys.js';

const CLIENT = { endpoints: ['https://192.0.2.1:2379'], caFile: '/ca', certFile: '/crt', keyFile: '/key' };

describe('the snapshot of etcd’s database', () => {
  const part = savedEtcdSnapshot(CLIENT, { database: '/db', limit: 10 });
  const database = Buffer.from('a database of etcd');
  const line = (blob: Buffer): string => `{"result":{"remaining_bytes":"0","blob":"${blob.toString('base64')}"}}`;
  const digest = createHash('sha256').update(database).digest();
  const given = (...lines: string[]): ReturnType<typeof part.parse> => part.parse({ status: 0, out: Buffer.from(`${lines.join('\n')}\n`) });

  it('is what etcd sends, with its digest at the end', () => {
    const { files, missing } = given(line(database.subarray(0, 5)), line(database.subarray(5)), line(digest));
    expect(files).toEqual([{ name: 'etcd/snapshot.db', content: Buffer.concat([database, digest]) }]);
    expect(missing).toEqual([]);
  });

  it('is missing where part of it is', () => {
    const why = 'etcd handed over only part of its database';
    expect(given(line(database.subarray(0, 5)), line(digest)).missing).toEqual([{ name: 'etcd/snapshot.db', why }]);
    expect(given('{"error":{"code":14}}')).toEqual({ files: [], missing: [{ name: 'etcd/snapshot.db', why }] });
    expect(given('')).toEqual({ files: [], missing: [{ name: 'etcd/snapshot.db', why }] });
    const late = part.parse({ status: 28, out: Buffer.from(`${line(database)}\ncurl: (28) Operation timed out\n`) });
    expect(late.missing).toEqual([{ name: 'etcd/snapshot.db', why: 'curl: (28) Operation timed out' }]);
  });
});

describe('the keys of Patroni’s scope in a snapshot', () => {
  const keys = etcdKeys(CLIENT, '/service/demo/');
  const part = savedKeys({ ...keys, find: (text) => (text === '' ? '' : new Map([['config', { value: text, revision: '7' }]])) });

  it('come with their revisions, and give the dynamic configuration back', () => {
    const [file] = part.parse({ status: 0, out: Buffer.from('{"ttl":30}') }).files;
    expect(JSON.parse(file?.content.toString() ?? '')).toEqual({
      store: 'etcd',
      prefix: '/service/demo/',
      keys: { config: { value: '{"ttl":30}', revision: '7' } },
    });
    expect(configInKeys(file?.content.toString() ?? '')).toEqual({ ttl: 30 });
  });

  it('are missing where the store does not answer, and have no configuration where that is none', () => {
    expect(part.parse({ status: 0, out: Buffer.alloc(0) })).toEqual({
      files: [],
      missing: [{ name: 'dcs/keys.json', why: 'etcd does not answer' }],
    });
    for (const text of ['', '{}', '{"keys":{}}', '{"keys":{"config":{"value":"5"}}}']) expect(configInKeys(text)).toBeUndefined();
  });
});
