import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareConfig, isMalformed, mergePatch, RECORD_KEY, type JsonObject } from '../../src/resources/dynamic-config.js';
import { etcdKeys } from '../../src/resources/etcd/keys.js';
import { stuckConfig, type StuckConfigState } from '../../src/resources/stuck-config.js';
import { told } from '../support/http-answers.js';

const URL = 'http://10.0.0.1:8008';
const ETCD = 'https://10.0.0.1:2379';
const WANTED: JsonObject = { ttl: 30, postgresql: { parameters: { shared_buffers: '64MB' } } };
const options = {
  url: URL,
  scope: 'demo',
  user: 'patroni',
  password: { reveal: () => 'x' },
  desired: WANTED,
  members: [
    { name: 'pg1', url: URL },
    { name: 'pg2', url: 'http://10.0.0.2:8008' },
  ],
  keys: etcdKeys({ endpoints: [ETCD], caFile: '/ca', certFile: '/c', keyFile: '/k' }, '/service/demo/'),
};
const [early, late] = [stuckConfig(options, 'stuck'), stuckConfig(options, 'well')];

interface World {
  members?: readonly object[];
  /** As Patroni's REST API gives it; undefined: it does not answer. */
  rest?: unknown;
  keys?: Record<string, string>;
}

/** What both see where Patroni and etcd answer so. */
function seen({ members, rest, keys }: World): StuckConfigState {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const kvs = Object.entries(keys ?? {}).map(([key, value]) => ({
    key: base64(`/service/demo/${key}`),
    value: base64(value),
    mod_revision: '42',
  }));
  const answers = {
    ...(members === undefined
      ? {}
      : { [`${URL}/patroni`]: JSON.stringify({ role: 'primary', state: 'running' }), [`${URL}/cluster`]: JSON.stringify({ members }) }),
    ...(rest === undefined ? {} : { [`${URL}/config`]: JSON.stringify(rest) }),
    ...(keys === undefined ? {} : { [`${ETCD}/v3/kv/range`]: JSON.stringify({ header: {}, kvs }) }),
  };
  return early.parse({ status: 0, out: Buffer.from(told(answers, early.sharedQuestions ?? [])) });
}

const planned = (world: World): string[] =>
  [early, late].flatMap((resource) =>
    resource.diff(seen(world)).map(({ summary }) => `${resource.id.replace('patroni-config:demo', '') || 'well'}: ${summary}`),
  );
const member = (name: string, role: string, state: string): object => ({ name, role, state });
const WELL = [member('pg1', 'leader', 'running'), member('pg2', 'replica', 'streaming')];
const BAD = { ttl: 30, postgresql: { parameters: { shared_buffers: '500GB' } } };
const CHANGE = 'set postgresql.parameters.shared_buffers to 64MB (is 500GB) in the dynamic configuration';

describe('a change of the dynamic configuration', () => {
  it.each<World & { title: string; by: string[] }>([
    { title: 'Patroni does not answer and there is no cluster, as on a new host', by: [] },
    { title: 'there is nothing to change', members: [member('pg1', 'replica', 'running')], rest: WANTED, by: [] },
    { title: 'all members work', members: WELL, rest: BAD, by: [`well: ${CHANGE}`] },
    {
      title: 'nobody leads',
      members: [member('pg1', 'replica', 'running'), member('pg2', 'replica', 'running')],
      rest: BAD,
      by: [`:stuck: ${CHANGE}`],
    },
    {
      title: 'a member does not start',
      members: [member('pg1', 'leader', 'running'), member('pg2', 'replica', 'start failed')],
      rest: BAD,
      by: [`:stuck: ${CHANGE}`],
    },
    { title: 'a member is out of reach', members: [member('pg1', 'leader', 'running')], rest: BAD, by: [`:stuck: ${CHANGE}`] },
    {
      title: 'a section is invalid, though every member still counts as working',
      members: WELL,
      rest: { ttl: 30, postgresql: 5 },
      by: [':stuck: set postgresql.parameters.shared_buffers to 64MB (is not set) in the dynamic configuration'],
    },
    { title: 'no Patroni answers and nobody leads', keys: { initialize: '7', config: JSON.stringify(BAD) }, by: [`:stuck: ${CHANGE}`] },
    { title: 'Patroni is stopped here and another leads', keys: { initialize: '7', leader: 'pg2', config: JSON.stringify(BAD) }, by: [] },
    { title: 'a bootstrap is under way', keys: { initialize: '', config: JSON.stringify(BAD) }, by: [] },
    { title: 'the cluster has no configuration in etcd', keys: { initialize: '7' }, by: [] },
  ])('is made once, at the right time, when $title', ({ by, ...world }) => expect(planned(world)).toEqual(by));

  it('is sent to Patroni if that answers, and otherwise put into etcd in place of the value that was read', () => {
    const rest = early.apply([], seen({ members: WELL, rest: BAD })).text;
    expect(rest).toContain(`-X PATCH --data-binary "@$patch" -w '\\n%{http_code}' http://10.0.0.1:8008/config`);
    const etcd = early.apply([], seen({ keys: { initialize: '7', config: JSON.stringify({ ...BAD, pause: false }) } })).text;
    const [, body = ''] = /printf %s '(\{.*\})'/u.exec(etcd) ?? [];
    const { compare, success } = JSON.parse(body) as { compare: object[]; success: [{ requestPut: { value: string } }] };
    expect(compare).toEqual([
      { key: Buffer.from('/service/demo/config').toString('base64'), target: 'MOD', result: 'EQUAL', mod_revision: '42' },
    ]);
    const value = JSON.parse(Buffer.from(success[0].requestPut.value, 'base64').toString('utf8')) as JsonObject;
    // What others set stays, and what pgprov set is recorded, as in a PATCH.
    expect(value).toEqual({ ...WANTED, pause: false, [RECORD_KEY]: { set: [['postgresql', 'parameters', 'shared_buffers']] } });
    // Not before Patroni is silent on every member.
    expect(etcd.indexOf('http://10.0.0.2:8008')).toBeGreaterThan(-1);
    expect(etcd.indexOf('http://10.0.0.2:8008')).toBeLessThan(etcd.indexOf('/v3/kv/txn'));
  });

  it('leaves no malformed value, whatever was there', () => {
    const json = fc.jsonValue({ maxDepth: 3 });
    const stored = fc.dictionary(
      fc.constantFrom('ttl', 'postgresql', 'slots', 'x'),
      fc.oneof(json, fc.dictionary(fc.constantFrom('parameters', 'pg_hba'), json)),
    );
    fc.assert(
      fc.property(stored, (value) => {
        const current = JSON.parse(JSON.stringify(value)) as JsonObject;
        const after = mergePatch(current, compareConfig(current, WANTED).patch);
        expect(isMalformed(after, WANTED)).toBe(false);
        expect(compareConfig(after, WANTED)).toMatchObject({ set: [], taken: [], forgotten: [] });
      }),
    );
  });
});
