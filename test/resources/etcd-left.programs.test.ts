import { mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EtcdClient } from '../../src/resources/etcd/client.js';
import { etcdFormerConfigs } from '../../src/resources/etcd/former.js';
import { etcdLeft } from '../../src/resources/etcd/left.js';
import { sharedDirectory } from '../support/directory.js';
import { etcdWrite, madeUpBolt } from '../support/made-up-bolt.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const PREFIX = '/service/demo/';
const base64 = (text: string): string => Buffer.from(text).toString('base64');

describe('what etcd has kept', () => {
  const parent = sharedDirectory();
  /** Writes of the keys, the first at revision 2; those before `compacted` are gone. */
  let writes: [key: string, value: string][] = [];
  let compacted = 0;
  let server: Server;
  let client: EtcdClient;

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { key, revision } = JSON.parse(body) as { key: string; revision?: string };
        response.end(spaced(JSON.stringify(range(key, revision === undefined ? undefined : Number(revision)))));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    writeFileSync(parent.at('cert'), '');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = { endpoints: [url], caFile: parent.at('cert'), certFile: parent.at('cert'), keyFile: parent.at('cert') };
  });
  afterAll(() => server.close());

  /** As some builds of etcd write it. */
  let spaced = (json: string): string => json;

  function range(key: string, revision = writes.length + 1): object {
    if (revision < compacted) return { error: 'etcdserver: mvcc: required revision has been compacted', code: 11 };
    const isOne = Buffer.from(key, 'base64').toString() !== PREFIX;
    const found = new Map(writes.slice(0, revision - 1).map(([name, value], index) => [name, { value, at: index + 2 }]));
    const kvs = [...found]
      .filter(([name]) => !isOne || base64(`${PREFIX}${name}`) === key)
      .map(([name, { value, at }]) => ({
        key: base64(`${PREFIX}${name}`),
        create_revision: '2',
        mod_revision: String(at),
        version: '1',
        value: base64(value),
      }));
    return { header: { revision: String(writes.length + 1) }, ...(kvs.length === 0 ? {} : { kvs }) };
  }

  /** A member's directory, last written at a time. */
  function member(directory: string, file: Buffer, at: string): void {
    mkdirSync(join(directory, 'member', 'snap'), { recursive: true });
    mkdirSync(join(directory, 'member', 'wal'), { recursive: true });
    for (const [name, content, time] of [
      ['snap/db', file, new Date(0)],
      ['wal/0.wal', '', new Date(at)],
    ] as const) {
      writeFileSync(join(directory, 'member', name), content);
      utimesSync(join(directory, 'member', name), time, time);
    }
  }
  const database = (revision: number): Buffer =>
    madeUpBolt([[etcdWrite(revision, `${PREFIX}initialize`, '7'), etcdWrite(revision + 1, '/other', 'x\ny')]]);

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is read of the member, and of the last three that were put aside', async () => {
      writes = [['config', '{}']];
      const path = parent.at(`${shell} data`);
      member(path, database(5), '2026-11-29T05:00:00Z');
      for (const day of ['01', '02', '03', '04'])
        member(`${path}.aside-202611${day}T000000`, day === '04' ? madeUpBolt([[]]) : database(3), `2026-11-${day}T00:00:00Z`);
      expect(await observe(shell, etcdLeft(client, path, PREFIX))).toEqual({
        copies: [
          { keys: new Map([['initialize', '7']]), others: 1, revision: 6, at: '2026-11-29T05:00:00.000Z', path },
          ...['02', '03'].map((day) => ({
            keys: new Map([['initialize', '7']]),
            others: 1,
            revision: 4,
            at: `2026-11-${day}T00:00:00.000Z`,
            path: `${path}.aside-202611${day}T000000`,
          })),
          { keys: new Map(), others: 0, revision: 0, at: '2026-11-04T00:00:00.000Z', path: `${path}.aside-20261104T000000` },
        ],
        unread: [],
      });
    });

    it('is not looked for where etcd itself knows the cluster, and nothing where there is nothing', async () => {
      writes = [['initialize', '7']];
      expect(await observe(shell, etcdLeft(client, parent.at(`${shell} data`), PREFIX))).toEqual({ copies: [], unread: [] });
      writes = [];
      expect(await observe(shell, etcdLeft(client, parent.at('nowhere'), PREFIX))).toEqual({ copies: [], unread: [] });
    });

    it('may be damaged, which is said', async () => {
      writes = [];
      const path = parent.at(`${shell} damaged`);
      member(path, Buffer.from('no database\n'), '2026-11-29T05:00:00Z');
      expect(await observe(shell, etcdLeft(client, path, PREFIX))).toEqual({
        copies: [],
        unread: [`the database in ${path} cannot be read: it is no database of bbolt`],
      });
    });

    it('has the former values of the configuration, as far as they are not compacted', async () => {
      compacted = 0;
      writes = [
        ['config', '{"ttl":1}'],
        ['leader', 'pg1'],
        ['config', '{"ttl":2}'],
        ['status', '{}'],
        ['config', '{"ttl":3}'],
        ['status', '{"optime":1}'],
      ];
      expect(await observe(shell, etcdFormerConfigs(client, PREFIX))).toEqual([{ ttl: 2 }, { ttl: 1 }]);
      spaced = (json) => json.replaceAll('","', '", "');
      expect(await observe(shell, etcdFormerConfigs(client, PREFIX))).toEqual([{ ttl: 2 }, { ttl: 1 }]);
      compacted = 4;
      expect(await observe(shell, etcdFormerConfigs(client, PREFIX))).toEqual([{ ttl: 2 }]);
      writes = [];
      expect(await observe(shell, etcdFormerConfigs(client, PREFIX))).toEqual([]);
    });
  });
});
