import { sh } from '../../shell/quote.js';
import type { DcsKey, DcsKeys } from '../dcs.js';
import { etcdctl, findKeys, keysQuestion, type EtcdClient } from './client.js';
import { etcdPut, etcdRemove } from './put.js';

/** What Patroni keeps in etcd; `prefix` is the scope's, `/service/demo/`. */
export function etcdKeys(client: EtcdClient, prefix: string): DcsKeys {
  const mark = `${prefix}initialize`;
  return {
    name: 'etcd',
    question: keysQuestion(client, prefix),
    led: sh`*${`"key":"${Buffer.from(`${prefix}leader`).toString('base64')}"`}*`,
    find: (text) => readKeys(findKeys(text, client, prefix), prefix),
    clearMark: () => sh`printf '%s\n' ${`value("${mark}") = ""`} '' ${`del ${mark}`} '' '' | ${etcdctl(client, ['txn'])}`,
    put: (key, value, revision) => etcdPut(client, { key: `${prefix}${key}`, value, revision }),
    remove: (key, revision) => etcdRemove(client, { key: `${prefix}${key}`, revision }),
    absent: '0',
    show: (key) => ({
      path: `${prefix}${key}`,
      command: etcdctl({ ...client, endpoints: client.endpoints.slice(0, 1) }, ['get', `${prefix}${key}`]).text,
    }),
  };
}

/** Reads etcd's JSON, or the last line of why there is none. */
function readKeys(text: string, prefix: string): ReadonlyMap<string, DcsKey> | string {
  if (!text.startsWith('{"header"')) return text.trim().split('\n').at(-1) ?? '';
  const { kvs = [] } = JSON.parse(text) as { kvs?: { key: string; value?: string; mod_revision?: string }[] };
  const decode = (value: string): string => Buffer.from(value, 'base64').toString('utf8');
  return new Map(
    kvs.map(({ key, value = '', mod_revision: revision = '' }): [string, DcsKey] => [
      decode(key).slice(prefix.length),
      { value: decode(value), revision },
    ]),
  );
}
