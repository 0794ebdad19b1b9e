import { sh } from '../shell/quote.js';
import { etcdctl, type EtcdClient } from './etcd-client.js';
import { answerText, type Observation } from './resource.js';

/** A member as Patroni registered it. */
export interface DcsMember {
  name: string;
  /** `postgres://10.0.0.11:5432/postgres` */
  connUrl: string;
  state: string;
  role: string;
}

/** What etcd knows of a Patroni scope. */
export type DcsState =
  | { reachable: false; why: string }
  | {
      reachable: true;
      /** System identifier; '' while a bootstrap is under way; undefined when the scope is unknown. */
      initialize: string | undefined;
      leader: string | undefined;
      members: DcsMember[];
      config: Record<string, unknown> | undefined;
    };

/** The observation's id, for guards that look it up. */
export const DCS = 'dcs';

/** Reads a scope's keys with etcdctl; `prefix` is `/service/demo/`. */
export function dcs(client: EtcdClient, prefix: string): Observation<DcsState> {
  return {
    id: DCS,
    probe: () => sh`if ! command -v etcdctl >/dev/null 2>&1; then echo 'etcdctl is not installed'; exit 1; fi
if [ ! -r ${client.certFile} ]; then echo 'no client certificate yet'; exit 1; fi
${etcdctl(client, ['get', '--prefix', prefix, '-w', 'json'])} 2>&1`,
    parse: (answer) => {
      const text = answerText(answer).trim();
      if (answer.status !== 0) return { reachable: false, why: text.split('\n').at(-1) ?? '' };
      // etcdctl may warn before it answers.
      return parseScope(text.split('\n').find((line) => line.startsWith('{') && !line.startsWith('{"level"')) ?? '{}', prefix);
    },
  };
}

function parseScope(text: string, prefix: string): DcsState {
  const body = JSON.parse(text) as { kvs?: { key: string; value?: string }[] };
  const decode = (value: string | undefined): string => Buffer.from(value ?? '', 'base64').toString('utf8');
  const values = new Map(
    (body.kvs ?? []).map(({ key, value }): [string, string] => [decode(key).slice(prefix.length), decode(value)]),
  );
  const members: DcsMember[] = [];
  for (const [key, value] of values) {
    if (!key.startsWith('members/')) continue;
    const { conn_url, state, role } = JSON.parse(value) as Record<string, string | undefined>;
    members.push({ name: key.slice('members/'.length), connUrl: conn_url ?? '', state: state ?? '', role: role ?? '' });
  }
  const config = values.get('config');
  return {
    reachable: true,
    initialize: values.get('initialize'),
    leader: values.get('leader'),
    members,
    config: config === undefined ? undefined : (JSON.parse(config) as Record<string, unknown>),
  };
}
