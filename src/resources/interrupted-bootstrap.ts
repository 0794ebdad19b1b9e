import { joinScripts, Script, sh } from '../shell/quote.js';
import { readScope } from './dcs.js';
import { etcdctl, type EtcdClient, findKeys, keysQuestion } from './etcd-client.js';
import type { Ownership } from './file.js';
import { findMemberState, restQuestion } from './patroni-rest.js';
import { putAside } from './put-aside.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';
import { tellShared } from './shared-question.js';
import { findUnit, unitsQuestion } from './units.js';

/** Patroni's words for a member that makes or has a database. */
const UNDER_WAY = new Set(['initializing new cluster', 'running custom bootstrap script', 'starting after custom bootstrap', 'running', 'starting']);

/** What is left of a bootstrap on a host. */
export interface BootstrapState {
  /** The scope's `initialize` key: Patroni makes it empty when it begins, and fills in the identifier when it is done. */
  initialize: 'absent' | 'empty' | 'set' | 'unknown';
  /** Somebody holds the leader key. */
  led: boolean;
  /** This host's Patroni is at it, or another member says in etcd that it is, or PostgreSQL runs here (not looked for where somebody leads). */
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
  const rest = restQuestion(`${url}/patroni`);
  const units = unitsQuestion(unit);
  const keys = keysQuestion(client, prefix);
  const leaderKey = `"key":"${Buffer.from(`${prefix}leader`).toString('base64')}"`;
  return {
    id,
    shares: [rest, units, keys],
    // Where there is a leader nothing is in the way, whatever runs on this host.
    probe: () => sh`if [ -f ${`${path}/PG_VERSION`} ]; then echo begun; fi
case "$${Script.build(keys.variable)}" in
*${leaderKey}*) echo led ;;
*) if cat /proc/[0-9]*/comm 2>/dev/null | grep -qxE 'initdb|postgres'; then echo underway; fi ;;
esac
if [ -r ${configFile} ]; then read -r line <${configFile}; else line=; fi
case "$line" in '# Managed by pgprov'*) echo configured ;; esac
${tellShared(rest)}
echo
${tellShared(units)}
echo
${tellShared(keys)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const lines = new Set(text.split('\n'));
      const scope = readScope(findKeys(text, client, prefix), prefix);
      const others = scope.reachable ? scope.members.filter(({ name }) => name !== member) : [];
      return {
        initialize: !scope.reachable ? 'unknown' : scope.initialize === undefined ? 'absent' : scope.initialize === '' ? 'empty' : 'set',
        led: lines.has('led') || (scope.reachable && scope.leader !== undefined),
        underWay: lines.has('underway') || UNDER_WAY.has(findMemberState(text, url)) || others.some(({ state }) => UNDER_WAY.has(state)),
        begun: lines.has('begun'),
        unfinished: lines.has('configured') && !findUnit(text, unit).file.startsWith('enabled'),
      };
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
