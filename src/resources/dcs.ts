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
      /** Keys whose values are not what Patroni writes there, e.g. `/service/demo/members/pg2`; they count as absent. */
      unreadable?: string[];
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
  const unreadable: string[] = [];
  const objectAt = (key: string): Record<string, unknown> | undefined => {
    const value = values.get(key);
    if (value === undefined) return undefined;
    const object = parseObject(value);
    if (object === undefined) unreadable.push(`${prefix}${key}`);
    return object;
  };
  const members = [...values.keys()]
    .filter((key) => key.startsWith('members/'))
    .flatMap((key): DcsMember[] => {
      const member = objectAt(key);
      if (member === undefined) return [];
      return [{ name: key.slice('members/'.length), connUrl: asText(member['conn_url']), state: asText(member['state']), role: asText(member['role']) }];
    });
  const config = objectAt('config');
  return { reachable: true, initialize: values.get('initialize'), leader: values.get('leader'), members, config, ...(unreadable.length === 0 ? {} : { unreadable }) };
}

function parseObject(value: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(value);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
