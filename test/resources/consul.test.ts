import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { consulKeys } from '../../src/resources/consul/keys.js';
import { consulAgent, consulMember } from '../../src/resources/consul/member.js';
import { consulToken, type ConsulTokenState } from '../../src/resources/consul/token.js';
import type { Observation } from '../../src/resources/resource.js';
import { told } from '../support/http-answers.js';

const client = {
  url: 'https://127.0.0.1:8501',
  caFile: '/tls/ca.crt',
  certFile: '/tls/node.crt',
  keyFile: '/tls/node.key',
  tokenFile: '/tls/patroni.token',
};
const LIST = 'https://127.0.0.1:8501/v1/kv/service/demo/?recurse&consistent';
const MARK = 'https://127.0.0.1:8501/v1/kv/service/demo/initialize?consistent';
const keys = consulKeys(client, 'service/demo/');
const found = (answers: Parameters<typeof told>[0]): ReturnType<typeof keys.find> => keys.find(told(answers, [keys.question]));
const base64 = (text: string): string => Buffer.from(text).toString('base64');
// As Consul 1.8.7 answers.
const entry = (name: string, value: string | null, index: number): string =>
  `{"LockIndex":0,"Key":"service/demo/${name}","Flags":0,"Value":${value === null ? 'null' : `"${base64(value)}"`},"CreateIndex":7,"ModifyIndex":${index}}`;

describe('Patroni’s keys in Consul', () => {
  it('are read with what tells later writes from them', () => {
    const list = `[${entry('initialize', '755', 19)},${entry('leader', 'pg1', 40)},${entry('members/pg1', '{"state":"running"}', 41)}]`;
    expect(found({ [LIST]: list, [MARK]: `[${entry('initialize', '755', 19)}]` })).toEqual(
      new Map([
        ['initialize', { value: '755', revision: '19' }],
        ['leader', { value: 'pg1', revision: '40' }],
        ['members/pg1', { value: '{"state":"running"}', revision: '41' }],
      ]),
    );
  });

  it('have an empty mark where a bootstrap is under way', () => {
    expect(found({ [LIST]: `[${entry('initialize', null, 3)}]`, [MARK]: '[]' })).toEqual(
      new Map([['initialize', { value: '', revision: '3' }]]),
    );
  });

  it.each<{ title: string; list: { status: number; body: string }; mark: { status: number; body: string }; why: string | number }>([
    { title: 'there are none', list: { status: 404, body: '' }, mark: { status: 404, body: '' }, why: 0 },
    {
      title: 'the token may not read them, which the list alone does not tell',
      list: { status: 404, body: '' },
      mark: { status: 403, body: 'Permission denied' },
      why: 'Permission denied',
    },
    {
      title: 'one of two answers is missing',
      list: { status: 404, body: '' },
      mark: { status: 0, body: '' },
      why: 'the agent of Consul on this host does not answer',
    },
    {
      title: 'the key is there that the list has not',
      list: { status: 404, body: '' },
      mark: { status: 200, body: '[]' },
      why: 'Consul answers what it should not',
    },
    {
      title: 'Consul has lost the token',
      list: { status: 403, body: 'ACL not found' },
      mark: { status: 403, body: 'ACL not found' },
      why: 'ACL not found',
    },
    {
      title: 'Consul has no quorum',
      list: { status: 500, body: 'No cluster leader' },
      mark: { status: 500, body: 'No cluster leader' },
      why: 'No cluster leader',
    },
    {
      title: 'the agent is down',
      list: { status: 0, body: '' },
      mark: { status: 0, body: '' },
      why: 'the agent of Consul on this host does not answer',
    },
  ])('are told to be absent only where that is known: $title', ({ list, mark, why }) => {
    const answer = found({ [LIST]: list, [MARK]: mark });
    expect(typeof answer === 'string' ? answer : answer.size).toBe(why);
  });

  it('are written only as they were read, without the token or the value in a process list', () => {
    const { text } = keys.put('config', '{"ttl": 30}', '40');
    expect(text).toContain('/v1/kv/service/demo/config?cas=40');
    expect(text).toContain('| curl -q -K -');
    expect(text).toContain('"$(cat /tls/patroni.token 2>/dev/null)"');
    expect(text.match(/curl [^\n]*/gu)).toEqual(['curl -q -K - 2>&1)', 'curl -q -K - 2>&1)']);
  });
});

describe('a server of Consul', () => {
  const LEADER = 'https://127.0.0.1:8501/v1/status/leader';
  const HEALTH = 'https://127.0.0.1:8501/v1/operator/autopilot/health';
  const member = consulMember(client, '/var/lib/consul');
  const seen = <State>(observation: Observation<State>, before: string, answers: Parameters<typeof told>[0]): State =>
    observation.parse({ status: 0, out: Buffer.from(`${before}${told(answers, observation.sharedQuestions ?? [])}`) });
  const server = (name: string, healthy: boolean): string =>
    `{"ID":"x","Name":"${name}","Address":"10.0.0.${name.slice(2)}:8300","SerfStatus":"alive","Version":"1.8.7","Leader":${name === 'pg1'},"Healthy":${healthy},"Voter":true}`;

  it('sees all servers as their leader does, also where not all are healthy', () => {
    const body = `{"Healthy":false,"FailureTolerance":0,"Servers":[${server('pg1', true)},${server('pg2', false)}]}`;
    expect(seen(member, 'data\n', { [LEADER]: '"10.0.0.1:8300"', [HEALTH]: { status: 429, body } })).toEqual({
      hasData: true,
      leader: '10.0.0.1:8300',
      servers: [
        { name: 'pg1', address: '10.0.0.1', version: '1.8.7', healthy: true, voter: true, leader: true },
        { name: 'pg2', address: '10.0.0.2', version: '1.8.7', healthy: false, voter: true, leader: false },
      ],
    });
  });

  it('knows nobody where it has no leader, or does not answer', () => {
    const none = { hasData: false, leader: undefined, servers: undefined };
    expect(seen(member, 'nodata\n', { [LEADER]: '""', [HEALTH]: { status: 500, body: 'No cluster leader' } })).toEqual(none);
    expect(seen(member, 'nodata\n', {})).toEqual(none);
    expect(seen(consulAgent(client), '', { [LEADER]: { status: 500, body: 'No known Consul servers' } })).toEqual({ leader: undefined });
    expect(seen(consulAgent(client), '', { [LEADER]: '"10.0.0.1:8300"' })).toEqual({ leader: '10.0.0.1:8300' });
  });
});

describe('a token of Consul', () => {
  const token = consulToken({
    client,
    dataDirectory: '/var/lib/consul',
    policy: 'pgprov-patroni',
    rules: 'key_prefix "service/demo/" { policy = "write" }\n',
    description: 'Patroni of demo',
    token: new Secret('0b8c1ae6-30c4-4b1c-9a29-6a3c5a5be1b7'),
  });
  const [policyUrl = '', tokenUrl = ''] = (token.sharedQuestions ?? []).flatMap(({ subjects }) =>
    subjects.map((subject) => /^url = "(.*)"$/u.exec((JSON.parse(subject) as string[]).at(-1) ?? '')?.[1] ?? ''),
  );
  type Told = string | { status: number; body: string };
  const state = (policy: Told, held: Told, data = 'nodata'): ConsulTokenState =>
    token.parse({
      status: 0,
      out: Buffer.from(`${data}\n${told({ [policyUrl]: policy, [tokenUrl]: held }, token.sharedQuestions ?? [])}`),
    });
  const changes = (given: ConsulTokenState): string[] => token.diff(given).map(({ summary }) => summary);
  const missing = { status: 403, body: 'ACL not found' };
  const right = '{"ID":"p1","Name":"pgprov-patroni","Rules":"key_prefix \\"service/demo/\\" { policy = \\"write\\" }\\n"}';
  const holder = '{"AccessorID":"a","Policies":[{"ID":"p1","Name":"pgprov-patroni"}]}';

  it('is known by a public name from which nobody learns it', () => {
    expect(tokenUrl).toMatch(/\/v1\/acl\/token\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u);
    expect(tokenUrl).not.toContain('0b8c1ae6');
  });

  it.each([
    { title: 'is there', policy: right, held: holder, made: [] },
    {
      title: 'is not there, nor its policy',
      policy: missing,
      held: missing,
      made: ['make the policy pgprov-patroni of Consul', 'make the token of Consul for Patroni of demo'],
    },
    {
      title: 'has a policy that somebody edited',
      policy: right.replace('write', 'read'),
      held: holder,
      made: ['correct the policy pgprov-patroni of Consul'],
    },
    {
      title: 'has more policies than its own',
      policy: right,
      held: holder.replace('[{', '[{"ID":"p0","Name":"global-management"},{'),
      made: ['correct the token of Consul for Patroni of demo'],
    },
    {
      title: 'is not told, because Consul has no leader',
      policy: { status: 500, body: 'No cluster leader' },
      held: { status: 500, body: 'No cluster leader' },
      made: ['make the policy pgprov-patroni of Consul', 'make the token of Consul for Patroni of demo'],
    },
  ])('is as it should be, or made so: $title', ({ policy, held, made }) => expect(changes(state(policy, held))).toEqual(made));

  it('is left alone while servers that have data have no leader', () => {
    const silent = { status: 500, body: 'No cluster leader' };
    expect(changes(state(silent, silent, 'data'))).toEqual([]);
  });

  it('is corrected where it is, and made where it is not', () => {
    expect(token.apply([], state(right, holder)).text).toMatch(/\/v1\/acl\/policy\/p1[\s\S]*\/v1\/acl\/token\/[0-9a-f-]{36}/u);
    expect(token.apply([], state(missing, missing)).text).toMatch(/\/v1\/acl\/policy''"'[\s\S]*\/v1\/acl\/token''"'/u);
  });
});
