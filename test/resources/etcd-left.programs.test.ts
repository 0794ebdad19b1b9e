import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EtcdClient } from '../../src/resources/etcd/client.js';
import { etcdFormerConfigs } from '../../src/resources/etcd/former.js';
import { etcdLeft } from '../../src/resources/etcd/left.js';
import type { Observation } from '../../src/resources/resource.js';
import type { StoreLeft } from '../../src/resources/scope-copy.js';
import { joinScripts, sh } from '../../src/shell/quote.js';
import { sharedDirectory } from '../support/directory.js';
import { etcdWrite, madeUpBolt } from '../support/made-up-bolt.js';
import { observe, rewritten } from '../support/sections.js';
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

  /** What is left on a host whose etcd has that process, or none (0), and wrote these lines last. */
  function leftIn(
    directory: string,
    { process = 0, said = [] }: { process?: number; said?: readonly string[] } = {},
  ): Observation<StoreLeft> {
    const bin = parent.at('bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'journal'), said.map((line) => `${line}\n`).join(''));
    for (const [name, text] of [
      ['systemctl', `echo ${process}`],
      ['journalctl', `cat ${join(bin, 'journal')}`],
    ] as const) {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    return rewritten(etcdLeft(client, { unit: 'etcd', directory }, PREFIX), (script) => joinScripts([sh`PATH=${bin}:$PATH`, script]));
  }
  const at = (seconds: number, text: string): string => `${Math.floor(Date.now() / 1000) + seconds}.123456 pg1 etcd[99]: ${text}`;

  // Lines of etcd 3.5.16 on Debian 13.
  const INVALID =
    '{"level":"panic","ts":"2026-11-29T12:28:50.354632Z","caller":"backend/backend.go:201","msg":"failed to open database","path":"/var/lib/etcd/demo/member/snap/db","error":"invalid database","stacktrace":"go.etcd.io"}';
  const PAGE = 'panic: assertion failed: Page expected to be: 4, but self identifies as 0';
  const WORKS = '{"level":"info","ts":"2026-11-29T12:29:05.301825Z","caller":"embed/serve.go:103","msg":"ready to serve client requests"}';

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is read of the member, and of the last three with keys of the scope that were put aside', async () => {
      writes = [['config', '{}']];
      const path = parent.at(`${shell} data`);
      member(path, database(5), '2026-11-29T05:00:00Z');
      // New ones that were given up before they got the keys, as by recover where it is killed, hide none that has them.
      const GIVEN_UP = ['04', '06', '07', '08', '09'];
      for (const day of ['01', '02', '03', '05', ...GIVEN_UP])
        member(
          `${path}.aside-202611${day}T000000`,
          GIVEN_UP.includes(day) ? madeUpBolt([[etcdWrite(2, '/other', 'x')]]) : database(3),
          `2026-11-${day}T00:00:00Z`,
        );
      expect(await observe(shell, leftIn(path))).toMatchObject({
        copies: [
          { keys: new Map([['initialize', '7']]), others: 1, revision: 6, at: '2026-11-29T05:00:00.000Z', path },
          ...['02', '03', '05'].map((day) => ({
            keys: new Map([['initialize', '7']]),
            others: 1,
            revision: 4,
            at: `2026-11-${day}T00:00:00.000Z`,
            path: `${path}.aside-202611${day}T000000`,
          })),
        ],
        unread: [],
      });
    });

    it('is sent once in a run, packed where the host can pack', async () => {
      writes = [];
      const path = parent.at(`${shell} sent`);
      const written = (revision: number): Buffer => Buffer.concat([database(revision), Buffer.alloc(200_000)]);
      const sizes: number[] = [];
      const left = leftIn(path);
      const weighed: Observation<StoreLeft> = {
        ...left,
        parse: (answer, last) => {
          sizes.push(answer.out.length);
          return left.parse(answer, last);
        },
      };
      member(path, written(5), '2026-11-29T05:00:00Z');
      const first = await observe(shell, weighed);
      expect(first.copies).toMatchObject([{ revision: 6 }]);
      // Put aside, and written again in its place.
      member(`${path}.aside-20261129T000000`, written(5), '2026-11-29T05:00:00Z');
      expect((await observe(shell, weighed, first)).copies).toMatchObject([{ revision: 6 }, { revision: 6 }]);
      member(path, written(7), '2026-11-29T05:00:00Z');
      expect((await observe(shell, weighed, first)).copies).toMatchObject([{ revision: 8 }, { revision: 6 }]);
      const [packed = 0, again = 0, newer = 0] = sizes;
      expect(packed).toBeLessThan(20_000);
      expect(again).toBeLessThan(1000);
      expect(newer).toBeLessThan(20_000);
      const bare = parent.at(`${shell} bare`);
      mkdirSync(bare);
      for (const tool of ['sh', 'cat', 'curl', 'grep', 'head', 'sha256sum', 'sort', 'stat', 'tail', 'wc', 'mktemp', 'rm'])
        symlinkSync(
          execFileSync('sh', ['-c', `command -v ${tool}`])
            .toString()
            .trim(),
          join(bare, tool),
        );
      for (const made of ['systemctl', 'journalctl']) symlinkSync(join(parent.at('bin'), made), join(bare, made));
      const plain = rewritten(weighed, (script) => joinScripts([sh`PATH=${bare}`, script]));
      expect((await observe(shell, { ...plain, parse: weighed.parse })).copies).toMatchObject([{ revision: 8 }, { revision: 6 }]);
      expect(sizes.at(-1)).toBeGreaterThan(400_000);
    });

    it('does not count where it was written while it was sent', async () => {
      writes = [];
      const path = parent.at(`${shell} torn`);
      member(path, database(5), '2026-11-29T05:00:00Z');
      const torn = rewritten(leftIn(path), (script) => joinScripts([sh`sha256sum() { echo ${'0'.repeat(64)} -; }`, script]));
      expect(await observe(shell, torn)).toEqual({
        copies: [],
        unread: [`the database in ${path} cannot be read: it was written meanwhile`],
      });
    });

    it('is not looked for where etcd itself knows the cluster, and nothing where there is nothing', async () => {
      writes = [['initialize', '7']];
      expect(await observe(shell, leftIn(parent.at(`${shell} data`)))).toEqual({ copies: [], unread: [] });
      writes = [];
      expect(await observe(shell, leftIn(parent.at('nowhere')))).toEqual({ copies: [], unread: [] });
    });

    it('may be damaged, which is said', async () => {
      writes = [];
      const path = parent.at(`${shell} damaged`);
      member(path, Buffer.from('no database\n'), '2026-11-29T05:00:00Z');
      expect(await observe(shell, leftIn(path))).toMatchObject({
        copies: [],
        unread: [`the database in ${path} cannot be read: it is no database of bbolt`],
        damaged: true,
      });
      // One that runs is being written.
      expect(await observe(shell, leftIn(path, { process: 77 }))).not.toHaveProperty('damaged');
      // etcd makes an empty one anew from its WAL.
      member(path, Buffer.alloc(0), '2026-11-29T05:00:00Z');
      expect(await observe(shell, leftIn(path))).not.toHaveProperty('damaged');
    });

    it('may be damaged in etcd’s own words, as far as they are of this data and of its last start', async () => {
      writes = [];
      const path = parent.at(`${shell} told`);
      member(path, database(5), '2026-11-29T05:00:00Z');
      const told = async (...said: string[]) => observe(shell, leftIn(path, { said }));
      for (const [line, words] of [
        [INVALID, 'invalid database'],
        [PAGE, 'assertion failed: Page expected to be: 4, but self identifies as 0'],
      ] as const) {
        const seen = await told(at(5, WORKS), at(9, line), at(9, 'goroutine 1 [running]:'));
        expect(seen).toMatchObject({ unread: [`etcd cannot read what is in ${path}: ${words}`], damaged: true });
        expect(seen.copies).toHaveLength(1);
      }
      for (const said of [
        [at(-60, INVALID)],
        [at(5, INVALID), at(9, WORKS)],
        [at(5, '"failed to open database","error":"permission denied"')],
      ])
        expect(await told(...said)).toMatchObject({ unread: [], copies: [{ revision: 6 }] });
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
