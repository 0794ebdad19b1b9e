import { mkdirSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { EtcdClient } from '../../src/resources/etcd/client.js';
import { etcdPut, etcdRemove } from '../../src/resources/etcd/put.js';
import { WORK_DIRECTORY } from '../../src/shell/lock.js';
import { NOTHING_DONE } from '../../src/resources/resource.js';
import { sharedDirectory } from '../support/directory.js';
import { moved } from '../support/sections.js';
import { feed, HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { makeAuthority, tlsServer, type Heard } from '../support/tls-servers.js';

describe.skipIf(!isThere('curl'))(isThere('curl') ? 'etcdPut' : 'etcdPut (skipped: no curl here)', () => {
  const work = sharedDirectory();
  const closers: (() => unknown)[] = [];
  const member = { url: '', heard: [] as Heard[], says: '' };
  let client: EtcdClient;
  const base64 = (text: string): string => Buffer.from(text).toString('base64');

  beforeAll(async () => {
    const { files, server: own } = await makeAuthority(work.path);
    const { server, url, heard } = await tlsServer({ ...own, rejectUnauthorized: true }, (_, response) =>
      response.writeHead(200).end(member.says),
    );
    Object.assign(member, { url, heard });
    closers.push(() => server.close());
    client = { endpoints: ['https://127.0.0.1:1', url], caFile: files.ca, certFile: files.certificate, keyFile: files.key };
    mkdirSync(`${work.path}/work`, { recursive: true });
  });
  afterAll(() => closers.forEach((close) => close()));
  beforeEach(() => void member.heard.splice(0));

  inEveryShell(HOST_SHELLS, (shell) => {
    const put = async (says: string, value = '{"a": "it’s"}'): Promise<{ code: number | null; out: string }> => {
      member.says = says;
      const { code, out } = await feed(
        shell,
        moved(etcdPut(client, { key: '/service/demo/config', value, revision: '42' }), WORK_DIRECTORY, `${work.path}/work`).text,
      );
      return { code, out: out.toString('utf8') };
    };

    it('writes in one transaction if nobody has written since, through a member that answers', async () => {
      expect(await put('{"header":{"revision":"43"},"succeeded":true,"responses":[]}')).toEqual({ code: 0, out: '' });
      const [{ url, body, client: name }] = member.heard as [Heard];
      expect([url, name]).toEqual(['/v3/kv/txn', 'pg2']);
      expect(JSON.parse(body)).toEqual({
        compare: [{ key: base64('/service/demo/config'), target: 'MOD', result: 'EQUAL', mod_revision: '42' }],
        success: [{ requestPut: { key: base64('/service/demo/config'), value: base64('{"a": "it’s"}') } }],
        failure: [{ requestRange: { key: base64('/service/demo/config') } }],
      });
    });

    it('succeeds when the value is already there, because the answer to an earlier request may be lost', async () => {
      const says = JSON.stringify({
        header: {},
        responses: [{ response_range: { kvs: [{ key: 'x', mod_revision: '43', value: base64('{"a": "it’s"}') }] } }],
      });
      expect(await put(says)).toEqual({ code: 0, out: '' });
    });

    it('fails when somebody else wrote, and when etcd rejects it', async () => {
      const other = JSON.stringify({
        header: {},
        responses: [{ response_range: { kvs: [{ key: 'x', mod_revision: '43', value: base64('{"b":1}') }] } }],
      });
      expect(await put(other)).toEqual({
        code: NOTHING_DONE,
        out: 'somebody else changed /service/demo/config in etcd at the same moment; run this again\n',
      });
      expect(await put('{"error":"etcdserver: no leader"}')).toEqual({
        code: 1,
        out: 'etcd did not take /service/demo/config: {"error":"etcdserver: no leader"}\n',
      });
    });

    it('takes a key away that nobody has written since, or that is gone already', async () => {
      const removed = async (says: string): Promise<{ code: number | null; out: string }> => {
        member.says = says;
        const script = etcdRemove(client, { key: '/service/demo/status', revision: '42' });
        const { code, out } = await feed(shell, moved(script, WORK_DIRECTORY, `${work.path}/work`).text);
        return { code, out: out.toString('utf8') };
      };
      expect(await removed('{"header":{},"succeeded":true,"responses":[]}')).toEqual({ code: 0, out: '' });
      expect(JSON.parse((member.heard[0] as Heard).body)).toMatchObject({
        compare: [{ key: base64('/service/demo/status'), target: 'MOD', result: 'EQUAL', mod_revision: '42' }],
        success: [{ requestDeleteRange: { key: base64('/service/demo/status') } }],
      });
      expect(await removed('{"header":{},"responses":[{"response_range":{"header":{}}}]}')).toEqual({ code: 0, out: '' });
      const other = JSON.stringify({
        header: {},
        responses: [{ response_range: { kvs: [{ key: 'x', mod_revision: '43', value: 'e30=' }] } }],
      });
      expect(await removed(other)).toEqual({
        code: NOTHING_DONE,
        out: 'somebody else changed /service/demo/status in etcd at the same moment; run this again\n',
      });
      expect((await removed('{"error":"etcdserver: no leader"}')).code).toBe(1);
    });

    it('carries values too large for a command line', async () => {
      const value = JSON.stringify({ a: 'x'.repeat(300_000) });
      expect((await put('{"header":{},"succeeded":true}', value)).code).toBe(0);
      const { success } = JSON.parse((member.heard[0] as Heard).body) as { success: [{ requestPut: { value: string } }] };
      expect(Buffer.from(success[0].requestPut.value, 'base64').toString('utf8')).toBe(value);
    });
  });
});
