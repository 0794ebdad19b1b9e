import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { dcs, type DcsState } from '../../src/resources/dcs.js';
import { agreementCheck, agreesOnVersion, etcdctl, type EtcdClient } from '../../src/resources/etcd-client.js';
import { sharedSections } from '../../src/resources/shared-question.js';
import { etcdMember, type EtcdMemberState } from '../../src/resources/etcd-member.js';

const client: EtcdClient = {
  endpoints: ['https://10.0.0.1:2379', 'https://10.0.0.2:2379'], caFile: '/tls/ca.crt', certFile: '/tls/node.crt', keyFile: '/tls/node.key',
};
const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

describe('etcdctl', () => {
  it('is called exactly so', () => {
    expect(etcdctl(client, ['get', '--prefix', '/my scope/']).text).toBe(
      'ETCDCTL_API=3 etcdctl '
      + "'--endpoints=https://10.0.0.1:2379,https://10.0.0.2:2379' '--cacert=/tls/ca.crt' '--cert=/tls/node.crt' '--key=/tls/node.key' "
      + "'--dial-timeout=1s' '--command-timeout=2s' get --prefix '/my scope/'",
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
    expect(agreesOnVersion(`{"health":"true","reason":""}\n${text}\n`)).toBe(agreed);
    for (const shell of ['dash', 'bash']) {
      const script = `curl() { echo '${text}'; }\n${agreementCheck(client).text}`;
      expect(spawnSync(shell, ['-c', script]).status, shell).toBe(agreed ? 0 : 1);
    }
  });
});

describe('dcs', () => {
  const scope = dcs(client, '/service/demo/');
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const kvs = (pairs: Record<string, string>): string =>
    JSON.stringify({ header: {}, kvs: Object.entries(pairs).map(([key, value]) => ({ key: base64(`/service/demo/${key}`), value: base64(value) })) });
  const nothing: Extract<DcsState, { reachable: true }> = { reachable: true, initialize: undefined, leader: undefined, members: [], config: undefined };

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
        initialize: '7', leader: 'pg1', config: '{"ttl":30}',
        'members/pg1': '{"conn_url":"postgres://10.0.0.1:5432/postgres","state":"running","role":"primary","xlog":1}',
        'members/pg2': '{}',
      }),
      state: {
        reachable: true, initialize: '7', leader: 'pg1', config: { ttl: 30 },
        members: [
          { name: 'pg1', connUrl: 'postgres://10.0.0.1:5432/postgres', state: 'running', role: 'primary' },
          { name: 'pg2', connUrl: '', state: '', role: '' },
        ],
      },
    },
    { title: 'no curl', text: 'sh: 1: curl: not found\n', state: { reachable: false, why: 'sh: 1: curl: not found' } },
    { title: 'no quorum', text: '{"error":"etcdserver: no leader","code":14}\n', state: { reachable: false, why: '{"error":"etcdserver: no leader","code":14}' } },
  ])('reads $title', ({ text, state }) => expect(scope.parse(answer(text))).toEqual(state));

  it('asks one endpoint after the other exactly so', () => expect(sharedSections([scope])[0]?.body.text).toMatchInlineSnapshot(`
    "pgprov_keys=$(
    if [ ! -r /tls/node.crt ]; then echo 'no client certificate yet'
    else
    for endpoint in https://10.0.0.1:2379 https://10.0.0.2:2379; do
    answer=$(curl -S -s -m 2 --cacert /tls/ca.crt --cert /tls/node.crt --key /tls/node.key -d '{"key":"L3NlcnZpY2UvZGVtby8=","range_end":"L3NlcnZpY2UvZGVtbzA="}' "$endpoint/v3/kv/range" 2>&1) || :
    case "$answer" in '{"header"'*) break ;; esac
    done
    printf '%s\\n' "$answer"
    fi
    )"
  `));
});

describe('etcdMember', () => {
  const member = etcdMember(client, '/var/lib/etcd/demo');
  const list = '{"header":{},"members":[{"ID":1,"name":"pg1","peerURLs":["https://10.0.0.1:2380"],"clientURLs":[]},{"ID":2,"peerURLs":["https://10.0.0.2:2380"]}]}';

  it.each<{ text: string; state: EtcdMemberState }>([
    { text: 'nodata\nclosed\n\n', state: { hasData: false, healthy: false, refusesStrangers: undefined, members: [] } },
    { text: 'data\nclosed\n\n', state: { hasData: true, healthy: false, refusesStrangers: undefined, members: [] } },
    { text: 'data\nclosed\n{"health":"false","reason":"QGET ERROR"}\n{"error":"etcdserver: request timed out"}\n', state: { hasData: true, healthy: false, refusesStrangers: undefined, members: [] } },
    {
      text: `data\nclosed\n{"health":"true","reason":""}\n\n${list}\n`,
      state: {
        hasData: true, healthy: true, refusesStrangers: true,
        members: [{ name: 'pg1', peerUrls: ['https://10.0.0.1:2380'] }, { name: '', peerUrls: ['https://10.0.0.2:2380'] }],
      },
    },
    { text: 'data\nopen\n{"health":"true"}\n', state: { hasData: true, healthy: true, refusesStrangers: false, members: [] } },
  ])('reads $text', ({ text, state }) => expect(member.parse(answer(text))).toEqual(state));

  it('asks its own member only', () => {
    const text = [...sharedSections([member]).map(({ body }) => body.text), member.probe().text].join('\n');
    expect(text).toContain('https://10.0.0.1:2379/v3/cluster/member/list');
    expect(text).not.toContain('10.0.0.2');
  });
});
