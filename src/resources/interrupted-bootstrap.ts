import { joinScripts, sh } from '../shell/quote.js';
import { etcdctl, type EtcdClient } from './etcd-client.js';
import type { Ownership } from './file.js';
import { putAside } from './put-aside.js';
import { answerLines, digestOf, type Change, type Resource } from './resource.js';

/** Patroni's words for a member that makes or has a database, as an extended regular expression. */
const UNDER_WAY = 'initializing new cluster|running custom bootstrap script|starting after custom bootstrap|running|starting';

/** What is left of a bootstrap on a host. */
export interface BootstrapState {
  /** The scope's `initialize` key: Patroni makes it empty when it begins, and fills in the identifier when it is done. */
  initialize: 'absent' | 'empty' | 'set' | 'unknown';
  /** Somebody holds the leader key. */
  led: boolean;
  /** This host's Patroni is at it, or PostgreSQL runs, or another member says in etcd that it is at it. */
  underWay: boolean;
  /** pgprov configured this member and never finished it: Patroni does not start at boot yet. */
  unfinished: boolean;
  /** This host's data directory holds the beginnings of a cluster. */
  begun: boolean;
}

/**
 * No bootstrap that was broken off (the host lost its power in the middle of initdb, or Patroni was stopped
 * there) is in the way. Patroni marks one with an empty `initialize` key, which it only writes when its data
 * directory is empty, and every member then waits for it for ever; or it takes the mark back when a bootstrap
 * failed. The beginnings are put aside, never deleted, and the empty key is removed. Where initdb cleaned up
 * after itself only the key is left, which is the first leader's to remove.
 */
export function interruptedBootstrap(options: {
  path: string;
  /** The member's name, under which it is in etcd. */
  member: string;
  /** The member that bootstraps the cluster. */
  first: boolean;
  /** Patroni's unit, which pgprov enables once the member has its data. */
  unit: string;
  /** patroni.yml, which is only written when no guard objects to what is in the data directory. */
  configFile: string;
  /** Of the data directory. */
  ownership: Ownership;
  /** `http://10.0.0.11:8008` */
  url: string;
  client: EtcdClient;
  /** `/service/demo/` */
  prefix: string;
}): Resource<BootstrapState> {
  const { path, member, first, unit, configFile, ownership, url, client, prefix } = options;
  const id = `interrupted-bootstrap:${path}`;
  const key = `${prefix}initialize`;
  return {
    id,
    probe: () => sh`if [ -f ${`${path}/PG_VERSION`} ]; then echo begun; fi
if curl -s -m 2 ${`${url}/patroni`} 2>/dev/null | grep -qE ${`"state": *"(${UNDER_WAY})"`}; then echo underway; fi
if cat /proc/[0-9]*/comm 2>/dev/null | grep -qxE 'initdb|postgres'; then echo underway; fi
if head -n 1 ${configFile} 2>/dev/null | grep -q '^# Managed by pgprov' && ! systemctl -q is-enabled ${unit} 2>/dev/null; then echo unfinished; fi
command -v etcdctl >/dev/null 2>&1 && [ -r ${client.certFile} ] || exit 0
if keys=$(${etcdctl(client, ['get', '--prefix', prefix, '--keys-only'])} 2>/dev/null); then
printf '%s\n' "$keys" | grep -qxF ${`${prefix}leader`} && echo led
if ! printf '%s\n' "$keys" | grep -qxF ${key}; then echo initialize=absent
elif value=$(${etcdctl(client, ['get', '--print-value-only', key])} 2>/dev/null); then
if [ -n "$value" ]; then echo initialize=set
else
echo initialize=empty
for other in $(printf '%s\n' "$keys" | grep -F ${`${prefix}members/`} | grep -vxF ${`${prefix}members/${member}`}); do
if ${etcdctl(client, ['get', '--print-value-only'])} "$other" 2>/dev/null | grep -qE ${`"state": *"(${UNDER_WAY})"`}; then echo underway; fi
done
fi
fi
fi
exit 0`,
    parse: (answer) => {
      const lines = new Set(answerLines(answer));
      const initialize = (['absent', 'empty', 'set'] as const).find((value) => lines.has(`initialize=${value}`));
      return { initialize: initialize ?? 'unknown', led: lines.has('led'), underWay: lines.has('underway'), begun: lines.has('begun'), unfinished: lines.has('unfinished') };
    },
    diff: ({ initialize, led, underWay, begun, unfinished }): Change[] => {
      if (led || underWay) return [];
      if (begun && (initialize === 'empty' || (initialize === 'absent' && unfinished))) {
        return [{ action: 'update', summary: `put the interrupted bootstrap in ${path} aside and take its mark out of etcd` }];
      }
      return first && initialize === 'empty' ? [{ action: 'update', summary: 'take the mark of an interrupted bootstrap out of etcd' }] : [];
    },
    apply: (_changes, { begun }) =>
      joinScripts([
        ...(begun ? [putAside(path, ownership)] : []),
        // A transaction, so that a bootstrap that completes at this moment keeps its key.
        sh`printf '%s\n' ${`value("${key}") = ""`} '' ${`del ${key}`} '' '' | ${etcdctl(client, ['txn'])}`,
      ]),
    digest: () => digestOf(id),
  };
}
