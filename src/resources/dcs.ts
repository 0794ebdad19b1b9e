import { type EtcdClient, findKeys, keysQuestion } from './etcd-client.js';
import { answerText, type Observation } from './resource.js';
import { tellShared } from './shared-question.js';

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

/** Reads a scope's keys; `prefix` is `/service/demo/`. */
export function dcs(client: EtcdClient, prefix: string): Observation<DcsState> {
  const keys = keysQuestion(client, prefix);
  return {
    id: DCS,
    shares: [keys],
    probe: () => tellShared(keys),
    parse: (answer) => readScope(findKeys(answerText(answer), client, prefix), prefix),
  };
}

/** Reads what `findKeys` found. */
export function readScope(text: string, prefix: string): DcsState {
  if (!text.startsWith('{"header"')) return { reachable: false, why: text.trim().split('\n').at(-1) ?? '' };
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
