import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { etcdCluster, type EtcdClusterState } from '../../src/resources/etcd/cluster.js';
import type { EtcdClient } from '../../src/resources/etcd/client.js';
import { freshDirectory } from '../support/directory.js';
import { told } from '../support/http-answers.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const ENDPOINTS = [1, 2, 3].map((number) => `https://10.0.0.${number}:2379`);
const client: EtcdClient = { endpoints: ENDPOINTS, caFile: '/tls/ca.crt', certFile: '/tls/node.crt', keyFile: '/tls/node.key' };
const observation = etcdCluster(client, '/var/lib/etcd/demo');
const HEALTHY = '{"health":"true","reason":""}';
/** As etcd 3.5 answers. */
const LIST =
  '{"header":{"cluster_id":"1", "member_id":"2"}, "members":[{"ID":"15820340286945233960", "name":"pg1", "peerURLs":["https://10.0.0.1:2380"], "clientURLs":["https://10.0.0.1:2379"]}, {"ID":"7", "peerURLs":["https://10.0.0.3:2380"], "isLearner":true}]}';
const MEMBERS = [
  { id: '15820340286945233960', name: 'pg1', peerUrls: ['https://10.0.0.1:2380'], clientUrls: ['https://10.0.0.1:2379'], learner: false },
  { id: '7', name: '', peerUrls: ['https://10.0.0.3:2380'], clientUrls: [], learner: true },
];
const nothing: EtcdClusterState = { members: undefined, healthy: [], started: [], known: [] };

describe('what a host sees of the whole etcd cluster', () => {
  it.each<{ title: string; answers: Record<string, string>; more?: string; state: Partial<EtcdClusterState> }>([
    { title: 'no member', answers: {}, state: {} },
    {
      title: 'all members',
      answers: Object.fromEntries(
        ENDPOINTS.flatMap((url) => [
          [`${url}/health`, HEALTHY],
          [`${url}/v3/cluster/member/list`, LIST],
        ]),
      ),
      state: { members: MEMBERS, healthy: ENDPOINTS },
    },
    {
      title: 'the others while its own member is down',
      answers: { [`${ENDPOINTS[1]}/health`]: HEALTHY, [`${ENDPOINTS[2]}/v3/cluster/member/list`]: LIST },
      state: { members: MEMBERS, healthy: [ENDPOINTS[1] as string] },
    },
    {
      title: 'a member without a quorum',
      answers: {
        [`${ENDPOINTS[0]}/health`]: '{"health":"false","reason":"RAFT NO LEADER"}',
        [`${ENDPOINTS[0]}/v3/cluster/member/list`]: '{"error":"etcdserver: no leader","code":14}',
      },
      state: {},
    },
    {
      title: 'what its own data contains',
      answers: {},
      more: 'known=https://10.0.0.1:2380\nstarted=pg1\nstarted=pg3\n',
      state: { started: ['pg1', 'pg3'], known: ['https://10.0.0.1:2380'] },
    },
  ])('includes $title', ({ answers, more = '', state }) => {
    expect(observation.parse({ status: 0, out: Buffer.from(`${told(answers, observation.sharedQuestions ?? [])}\n${more}`) })).toEqual({
      ...nothing,
      ...state,
    });
  });

  const work = freshDirectory();

  inEveryShell(HOST_SHELLS, (shell) => {
    const host = (): MadeUpHost => new MadeUpHost({ root: work.path, programs: { curl: 'exit 7' }, paths: ['/var/lib/etcd'] });

    it('includes which members have started once, read from a log', async () => {
      const made = host();
      mkdirSync(made.at('/var/lib/etcd/demo/member/wal'), { recursive: true });
      // As etcd 3.5.16 writes it: each member's attributes in a record, the first list of members without client URLs.
      const attributes = (name: string): string =>
        `&/0/members/181a7923f2746d8b/attributes":{"name":"${name}","clientURLs":["https://10.0.0.1:2379"]}(`;
      const initial = '{"id":4683218268153382398,"peerURLs":["https://10.0.0.3:2380"],"name":"pg3"}';
      writeFileSync(
        made.at('/var/lib/etcd/demo/member/wal/0.wal'),
        Buffer.concat([Buffer.from(`\0\x01${initial}\0\xff${attributes('pg1')}${attributes('pg2')}\0`), Buffer.alloc(100_000)]),
      );
      expect(await observe(shell, made.observation(observation))).toEqual({
        ...nothing,
        started: ['pg1', 'pg2'],
        known: ['https://10.0.0.3:2380'],
      });
    });

    it('includes that, read from a snapshot', async () => {
      const made = host();
      mkdirSync(made.at('/var/lib/etcd/demo/member/snap'), { recursive: true });
      writeFileSync(
        made.at('/var/lib/etcd/demo/member/snap/1.snap'),
        '\0{"Root":{"Path":"/","Children":{"attributes":{"Value":"{\\"name\\":\\"pg2\\",\\"clientURLs\\":[\\"https://10.0.0.2:2379\\"]}","x":1}}}}',
      );
      expect(await observe(shell, made.observation(observation))).toEqual({ ...nothing, started: ['pg2'] });
    });

    it('is nothing when there is no data', async () => expect(await observe(shell, host().observation(observation))).toEqual(nothing));
  });
});
