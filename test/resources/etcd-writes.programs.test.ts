import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EtcdClient } from '../../src/resources/etcd/client.js';
import { etcdWrites } from '../../src/resources/etcd/writes.js';
import { sharedDirectory } from '../support/directory.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('whether etcd takes writes', () => {
  const work = sharedDirectory();
  let server: Server;
  let client: EtcdClient;
  let health = '';
  let written = '';
  let bodies: unknown[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        if (request.url === '/v3/kv/txn') bodies.push(JSON.parse(body));
        response.end(request.url === '/health' ? health : request.url === '/v3/kv/txn' ? written : '{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    writeFileSync(work.at('file'), '');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    client = { endpoints: [url], caFile: work.at('file'), certFile: work.at('file'), keyFile: work.at('file') };
  });
  afterAll(() => server.close());

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      { title: 'it does', says: '{"header":{"revision":"31"}, "succeeded":true}', state: { asked: true, refused: undefined } },
      {
        title: 'its database is full',
        says: '{"code":8, "message":"etcdserver: mvcc: database space exceeded"}',
        state: { asked: true, refused: 'etcdserver: mvcc: database space exceeded' },
      },
      {
        title: 'its WAL was lost, by an older gateway',
        says: '{"error":"etcdserver: request timed out","code":14}',
        state: { asked: true, refused: 'etcdserver: request timed out' },
      },
    ])('is asked by a transaction that changes nothing: $title', async ({ says, state }) => {
      [health, written, bodies] = ['{"health":"true","reason":""}', says, []];
      expect(await observe(shell, etcdWrites(client))).toEqual(state);
      expect(bodies).toMatchObject([{ compare: [{ target: 'VERSION', result: 'GREATER', version: '-1' }], success: [] }]);
    });

    it('is not asked of one that is not healthy', async () => {
      [health, bodies] = ['{"health":"false","reason":"QGET ERROR"}', []];
      expect(await observe(shell, etcdWrites(client))).toEqual({ asked: false });
      expect(bodies).toEqual([]);
    });
  });
});
