import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dcs, type DcsState } from '../../src/resources/dcs.js';
import { agreementCheck, agreesOnVersion, etcdctl, type EtcdClient, versionQuestion } from '../../src/resources/etcd/client.js';
import { etcdKeys } from '../../src/resources/etcd/keys.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { etcdMember, type EtcdMemberState } from '../../src/resources/etcd/member.js';
import { sharedDirectory } from '../support/directory.js';
import { told } from '../support/http-answers.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, isThere } from '../support/shells.js';
import { listen, makeAuthority, silent, tlsServer, type Heard } from '../support/tls-servers.js';
import { growingSeconds } from '../../src/shell/patience.js';

const client: EtcdClient = {
  endpoints: ['https://10.0.0.1:2379', 'https://10.0.0.2:2379'],
  caFile: '/tls/ca.crt',
  certFile: '/tls/node.crt',
  keyFile: '/tls/node.key',
};
const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

describe('etcdctl', () => {
  it('is called with exact arguments', () => {
    expect(etcdctl(client, ['get', '--prefix', '/my scope/']).text).toBe(
      'ETCDCTL_API=3 etcdctl ' +
        "'--endpoints=https://10.0.0.1:2379,https://10.0.0.2:2379' '--cacert=/tls/ca.crt' '--cert=/tls/node.crt' '--key=/tls/node.key' " +
        `--dial-timeout=${growingSeconds(1).text}s --command-timeout=${growingSeconds(2).text}s get --prefix '/my scope/'`,
    );
  });
});

describe('the version of the cluster', () => {
  it.each([
    { text: '{"etcdserver":"3.5.16","etcdcluster":"3.0.0"}', agreed: false },
    { text: '{"etcdserver":"3.5.16","etcdcluster":"not_decided"}', agreed: false },
    { text: '{"etcdserver":"3.5.16","etcdcluster":"3.5.0"}', agreed: true },
    { text: '{"etcdserver":"3.6.1","etcdcluster":"3.6.0","storage":"3.6.0"}', agreed: true },
  ])('is agreed on in $text: $agreed', ({ text, agreed }) => {
    expect(agreesOnVersion(told({ 'https://10.0.0.1:2379/version': text }, [versionQuestion(client)]), client)).toBe(agreed);
    for (const shell of ['dash', 'bash']) {
      const script = `curl() { echo '${text}'; }\n${agreementCheck(client).text}`;
      expect(spawnSync(shell, ['-c', script]).status, shell).toBe(agreed ? 0 : 1);
    }
  });

  it.each(['dash', 'bash'])('is missing for members that do not answer, in %s', (shell) => {
    const script = (down: string): string =>
      `curl() { case "$*" in ${down}) return 7 ;; *-o*) ;; *) echo '{"etcdserver":"3.5.16","etcdcluster":"3.0.0"}' ;; esac; }\n${agreementCheck(client).text}`;
    const said = (down: string): string => spawnSync(shell, ['-c', script(down)], { encoding: 'utf8' }).stdout;
    expect(said('*10.0.0.2:*')).toBe('a member of etcd was never heard of; no answer from https://10.0.0.2:2379\n');
    expect(said('nobody')).toBe('a member of etcd was never heard of\n');
  });
});

describe('dcs', () => {
  const scope = dcs(etcdKeys(client, '/service/demo/'));
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const kvs = (pairs: Record<string, string>): string =>
    JSON.stringify({
      header: {},
      kvs: Object.entries(pairs).map(([key, value]) => ({ key: base64(`/service/demo/${key}`), value: base64(value) })),
    });
  const nothing: Extract<DcsState, { reachable: true }> = {
    reachable: true,
    initialize: undefined,
    leader: undefined,
    members: [],
    config: undefined,
  };

  it.each<{ title: string; text: string; state: DcsState }>([
    { title: 'an unknown scope', text: '{"header":{"cluster_id":1}}\n', state: nothing },
    { title: 'a bootstrap under way', text: kvs({ initialize: '' }), state: { ...nothing, initialize: '' } },
    {
      title: 'an empty value, as etcd leaves it out',
      text: JSON.stringify({ header: {}, kvs: [{ key: base64('/service/demo/initialize') }] }),
      state: { ...nothing, initialize: '' },
    },
    {
      title: 'a cluster',
      text: kvs({
        initialize: '7',
        leader: 'pg1',
        config: '{"ttl":30}',
        'members/pg1': '{"conn_url":"postgres://10.0.0.1:5432/postgres","state":"running","role":"primary","xlog":1}',
        'members/pg2': '{}',
      }),
      state: {
        reachable: true,
        initialize: '7',
        leader: 'pg1',
        config: { ttl: 30 },
        members: [
          { name: 'pg1', connUrl: 'postgres://10.0.0.1:5432/postgres', state: 'running', role: 'primary' },
          { name: 'pg2', connUrl: '', state: '', role: '' },
        ],
      },
    },
    {
      title: 'unreadable values next to others',
      text: kvs({
        initialize: '7',
        config: '{"ttl":',
        'members/pg1': 'torn',
        'members/pg2': '{"state":"running","role":7}',
        'members/pg3': '[]',
      }),
      state: {
        reachable: true,
        initialize: '7',
        leader: undefined,
        config: undefined,
        members: [{ name: 'pg2', connUrl: '', state: 'running', role: '' }],
        unreadable: ['members/pg1', 'members/pg3', 'config'].map(
          (key) =>
            `etcd: the value of /service/demo/${key} is not what Patroni writes there; \`${etcdctl({ ...client, endpoints: client.endpoints.slice(0, 1) }, ['get', `/service/demo/${key}`]).text}\`, as root on a member, shows it`,
        ),
      },
    },
    { title: 'no curl', text: 'sh: 1: curl: not found\n', state: { reachable: false, why: 'sh: 1: curl: not found' } },
    {
      title: 'no quorum',
      text: '{"error":"etcdserver: no leader","code":14}\n',
      state: { reachable: false, why: '{"error":"etcdserver: no leader","code":14}' },
    },
  ])('reads $title', ({ text, state }) => {
    const body = text === '' ? {} : { 'https://10.0.0.1:2379/v3/kv/range': text };
    const { keys: _keys, ...read } = scope.parse(answer(told(body, scope.sharedQuestions ?? []))) as Extract<DcsState, { reachable: true }>;
    expect(read).toEqual(state);
  });

  it('reads all keys with their sizes, and the last change of the leader', () => {
    const text = kvs({ leader: 'pg2', history: '[[1,25100000,"no recovery target specified","2026-11-28T10:00:00+00:00","pg2"]]', ä: 'ö' });
    const body = { 'https://10.0.0.1:2379/v3/kv/range': text };
    expect(scope.parse(answer(told(body, scope.sharedQuestions ?? [])))).toMatchObject({
      lastPromotion: { timeline: 2, to: 'pg2' },
      timelineEnds: [{ timeline: 1, at: 25100000 }],
      keys: [
        { key: 'leader', bytes: 3, value: 'pg2' },
        { key: 'history', bytes: 79 },
        { key: 'ä', bytes: 2, value: 'ö' },
      ],
    });
    expect(scope.parse(answer(told({ 'https://10.0.0.1:2379/v3/kv/range': kvs({}) }, scope.sharedQuestions ?? [])))).not.toHaveProperty(
      'keys',
    );
  });

  it('reads a missing answer', () => expect(scope.parse(answer(''))).toEqual({ reachable: false, why: '' }));
});

describe.skipIf(!isThere('curl'))(isThere('curl') ? 'etcd’s keys' : 'etcd’s keys (skipped: no curl here)', () => {
  const work = sharedDirectory();
  const closers: (() => unknown)[] = [];
  const one = { url: '', heard: [] as Heard[], says: { status: 200, body: '' } };
  const other = { url: '', heard: [] as Heard[], says: { status: 200, body: '' } };
  const keys = '{"header":{"cluster_id":1},"kvs":[]}';
  const range = '{"key":"L3NlcnZpY2UvZGVtby8=","range_end":"L3NlcnZpY2UvZGVtbzA="}';
  const CLOSED = 'https://127.0.0.1:1';
  let files: Omit<EtcdClient, 'endpoints'>;

  beforeAll(async () => {
    const authority = await makeAuthority(work.path);
    files = { caFile: authority.files.ca, certFile: authority.files.certificate, keyFile: authority.files.key };
    for (const member of [one, other]) {
      const { server, url, heard } = await tlsServer({ ...authority.server, rejectUnauthorized: true }, (_, response) =>
        response.writeHead(member.says.status).end(member.says.body),
      );
      Object.assign(member, { url, heard });
      closers.push(() => server.close());
    }
  });
  const silentMember = async (): Promise<{ url: string; sockets: Socket[] }> => {
    const sockets: Socket[] = [];
    const mute = createServer(silent(sockets));
    closers.push(
      () => sockets.forEach((socket) => socket.destroy()),
      () => mute.close(),
    );
    return { url: `https://127.0.0.1:${await listen(mute)}`, sockets };
  };
  afterAll(() => closers.forEach((close) => close()));
  beforeEach(() =>
    [one, other].forEach((member) => {
      member.heard.splice(0);
      member.says = { status: 200, body: keys };
    }),
  );

  const there = { reachable: true, initialize: undefined, leader: undefined, members: [], config: undefined };
  const leaderless = { status: 503, body: '{"error":"etcdserver: no leader","code":14}' };

  inEveryShell(HOST_SHELLS, (shell) => {
    const ask = (...endpoints: string[]): Promise<DcsState> => observe(shell, dcs(etcdKeys({ ...files, endpoints }, '/service/demo/')));

    it('are fetched once when the nearest member knows them', async () => {
      expect(await ask(one.url, other.url)).toEqual(there);
      expect([one.heard.map(({ url, body, client: name }) => [url, body, name]), other.heard]).toEqual([
        [['/v3/kv/range', range, 'pg2']],
        [],
      ]);
    });

    const otherwise = [
      { title: 'is down', nearest: () => CLOSED, says: leaderless },
      { title: 'has no leader', nearest: () => one.url, says: leaderless },
      { title: 'answers with something else', nearest: () => one.url, says: { status: 200, body: '<html>\n{"header"' } },
    ];
    const comeFromAnother = async ({ nearest, says }: { nearest: () => string; says: typeof leaderless }): Promise<void> => {
      one.says = says;
      expect(await ask(nearest(), CLOSED, other.url)).toEqual(there);
      expect(other.heard.map(({ url, body, client: name }) => [url, body, name])).toEqual([['/v3/kv/range', range, 'pg2']]);
    };
    it.each(otherwise)('come from another member when the nearest one $title', comeFromAnother);

    const noLeader = /^\{"error":"etcdserver: no leader","code":14\}$/u;
    const absent = [
      {
        title: 'the only member is down',
        endpoints: () => [CLOSED],
        why: /^curl: \(7\) .*(?:refused|Couldn't connect|Failed to connect)/u,
      },
      { title: 'all members are down', endpoints: () => [CLOSED, CLOSED], why: /^curl: \(7\) /u },
      { title: 'the last member has no leader', endpoints: () => [CLOSED, one.url], why: noLeader },
      { title: 'the only member has no leader', endpoints: () => [one.url], why: noLeader },
    ];
    const areNotThere = async ({ endpoints, why }: { endpoints: () => string[]; why: RegExp }): Promise<void> => {
      one.says = leaderless;
      const state = await ask(...endpoints());
      expect(state).toEqual({ reachable: false, why: expect.stringMatching(why) as string });
      expect(one.heard.length).toBeLessThan(2);
    };
    it.each(absent)('are missing, with the reason, when $title', areNotThere);

    // Side by side, for they wait as long as a question may take; each has a member of its own that takes connections and says nothing.
    it.concurrent('come from another member when the nearest one does not answer', async () => {
      const mute = await silentMember();
      await comeFromAnother({ nearest: () => mute.url, says: leaderless });
      expect(mute.sockets).toHaveLength(1);
    });

    it.concurrent.each([
      { title: 'the only member does not answer', before: [], why: /^curl: \(28\) .*timed out/u },
      { title: 'the last member does not answer', before: [CLOSED], why: /^curl: \(28\) /u },
    ])('are missing, with the reason, when $title', async ({ before, why }) => {
      const mute = await silentMember();
      await areNotThere({ endpoints: () => [...before, mute.url], why });
      expect(mute.sockets).toHaveLength(1);
    });

    it('are not asked for again without a certificate', async () => {
      expect(
        await observe(
          shell,
          dcs(etcdKeys({ ...files, certFile: join(work.path, 'missing'), endpoints: [one.url, other.url] }, '/service/demo/')),
        ),
      ).toEqual({ reachable: false, why: 'no client certificate yet' });
      expect([one.heard, other.heard]).toEqual([[], []]);
    });
  });
});

describe('etcdMember', () => {
  const member = etcdMember(client, '/var/lib/etcd/demo');
  const list =
    '{"header":{},"members":[{"ID":1,"name":"pg1","peerURLs":["https://10.0.0.1:2380"],"clientURLs":[]},{"ID":2,"peerURLs":["https://10.0.0.2:2380"]}]}';

  const at = (path: string): string => `https://10.0.0.1:2379${path}`;
  const [health, members, version] = [at('/health'), at('/v3/cluster/member/list'), at('/version')];
  const down = { healthy: false, requiresClientCertificate: undefined, members: [] };

  it.each<{ title: string; data: string; bodies: Parameters<typeof told>[0]; state: EtcdMemberState }>([
    { title: 'nothing', data: 'nodata', bodies: {}, state: { hasData: false, ...down } },
    { title: 'a member that is down', data: 'data', bodies: {}, state: { hasData: true, ...down } },
    { title: 'a member whose WAL is gone', data: 'data\nnowal', bodies: {}, state: { hasData: true, walGone: true, ...down } },
    {
      title: 'a member without a quorum',
      data: 'data',
      bodies: {
        [health]: { status: 503, body: '{"health":"false","reason":"QGET ERROR"}' },
        [members]: { status: 503, body: '{"error":"etcdserver: request timed out"}' },
      },
      state: { hasData: true, ...down },
    },
    {
      title: 'a member',
      data: 'data',
      bodies: { [health]: '{"health":"true","reason":""}', [members]: list },
      state: {
        hasData: true,
        healthy: true,
        requiresClientCertificate: true,
        members: [
          { name: 'pg1', peerUrls: ['https://10.0.0.1:2380'] },
          { name: '', peerUrls: ['https://10.0.0.2:2380'] },
        ],
      },
    },
    {
      title: 'a member that accepts clients without a certificate',
      data: 'data',
      bodies: { [health]: '{"health":"true"}', [version]: '{"etcdserver":"3.5.16"}' },
      state: { hasData: true, healthy: true, requiresClientCertificate: false, members: [] },
    },
    {
      title: 'a member that answers such clients with 404',
      data: 'data',
      bodies: { [health]: '{"health":"true"}', [version]: { status: 404, body: '' } },
      state: { hasData: true, healthy: true, requiresClientCertificate: false, members: [] },
    },
  ])('reads $title', ({ data, bodies, state }) =>
    expect(member.parse(answer(`${data}\n${told(bodies, member.sharedQuestions ?? [])}`))).toEqual(state),
  );

  describe('looks at the data', () => {
    const work = sharedDirectory();
    inEveryShell(HOST_SHELLS, (shell) => {
      it('and at its WAL', async () => {
        const directory = work.at(shell);
        const look = async (): Promise<[data: boolean, walGone: boolean]> => {
          const { hasData, walGone = false } = await observe(
            shell,
            etcdMember({ ...client, endpoints: ['http://127.0.0.1:9'] }, directory),
          );
          return [hasData, walGone];
        };
        expect(await look()).toEqual([false, false]);
        mkdirSync(join(directory, 'member', 'snap'), { recursive: true });
        expect(await look()).toEqual([true, true]);
        mkdirSync(join(directory, 'member', 'wal'));
        expect(await look()).toEqual([true, true]);
        writeFileSync(join(directory, 'member', 'wal', '0000000000000000-0000000000000000.wal'), '');
        expect(await look()).toEqual([true, false]);
      });
    });
  });

  it('asks only its own member', () => {
    const text = [...sharedSections([member]).map(({ body }) => body.text), member.probe().text].join('\n');
    expect(text).toContain('https://10.0.0.1:2379/v3/cluster/member/list');
    expect(text).not.toContain('10.0.0.2');
  });

  it('asks without a certificate first', () =>
    expect(sharedSections([member])[0]?.body.text.match(/insecure|"cert = /gu)?.[0]).toBe('insecure'));
});
