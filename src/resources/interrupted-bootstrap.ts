import { joinScripts, Script, sh } from '../shell/quote.js';
import { readScope } from './dcs.js';
import { etcdctl, type EtcdClient, findKeys, keysQuestion } from './etcd-client.js';
import { dataQuestion, readDataDirectory, type DataDirectoryState } from './data-directory.js';
import type { Ownership } from './file.js';
import { tellFirstStart, type FirstStart } from './first-start.js';
import { findMemberState, restQuestion } from './patroni-rest.js';
import { putAside } from './put-aside.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';
import { tellShared } from './shared-question.js';
import { findUnit, unitsQuestion } from './units.js';

/** Patroni's words for a member that makes or has a database. */
const UNDER_WAY = new Set(['initializing new cluster', 'running custom bootstrap script', 'starting after custom bootstrap', 'running', 'starting']);

/** OIDs from here on are those of a server that others connect to; initdb's are below (PostgreSQL's FirstNormalObjectId). */
const FIRST_NORMAL_OBJECT = 16384;

/** What is left of a bootstrap on a host. */
export interface BootstrapState {
  /** The scope's `initialize` key: Patroni makes it empty when it begins, and fills in the identifier when it is done. */
  initialize: 'absent' | 'empty' | 'set' | 'unknown';
  /** Somebody holds the leader key. */
  led: boolean;
  /** This host's Patroni is at it, or another member says in etcd that it is, or PostgreSQL runs here (not looked for where somebody leads). */
  underWay: boolean;
  /** pgprov wrote the member's patroni.yml. */
  configured: boolean;
  /** Patroni starts at boot, which pgprov has it do once the member has its data. */
  enabled: boolean;
  /** The first start of this member with this data directory was noted and never ended with the member's data. */
  noted: boolean;
  data: DataDirectoryState;
}

/** Where a bootstrap is looked for, and what puts an interrupted one aside. */
export interface InterruptedBootstrapOptions extends FirstStart {
  binDirectory: string;
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
}

/** The observation's id, for guards that look it up. */
export const INTERRUPTED_BOOTSTRAP = 'interrupted-bootstrap';

/**
 * No bootstrap that was broken off (the host lost its power in the middle of initdb, or Patroni was stopped
 * there) is in the way. Patroni marks one with an empty `initialize` key, which it only writes when its data
 * directory is empty, and every member then waits for it for ever; or it takes the mark back when a bootstrap
 * failed. The beginnings are put aside, never deleted, where they never served (see `neverServed`), and the empty key is
 * removed. Where initdb cleaned up after itself only the key is left, which is the first leader's to remove.
 */
export function interruptedBootstrap(options: InterruptedBootstrapOptions): Resource<BootstrapState> {
  const { path, member, binDirectory, first, unit, configFile, ownership, url, client, prefix } = options;
  const id = INTERRUPTED_BOOTSTRAP;
  const key = `${prefix}initialize`;
  const rest = restQuestion(`${url}/patroni`);
  const units = unitsQuestion(unit);
  const keys = keysQuestion(client, prefix);
  const data = dataQuestion({ path, binDirectory, user: ownership.owner });
  const leaderKey = `"key":"${Buffer.from(`${prefix}leader`).toString('base64')}"`;
  return {
    id,
    shares: [rest, units, keys, data],
    // Where there is a leader nothing is in the way, whatever runs on this host.
    probe: () => sh`case "$${Script.build(keys.variable)}" in
*${leaderKey}*) echo led ;;
*) if cat /proc/[0-9]*/comm 2>/dev/null | grep -qxE 'initdb|postgres'; then echo underway; fi ;;
esac
if [ -r ${configFile} ]; then read -r line <${configFile}; else line=; fi
case "$line" in '# Managed by pgprov'*) echo configured ;; esac
${tellFirstStart(options)}
${tellShared(data)}
echo
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
        configured: lines.has('configured'),
        enabled: findUnit(text, unit).file.startsWith('enabled'),
        noted: lines.has('noted'),
        data: readDataDirectory(answer),
      };
    },
    diff: (state): Change[] => {
      const { initialize, led, underWay, data: found } = state;
      if (led || underWay) return [];
      if (neverServed(state)) return [{ action: 'update', summary: `put the interrupted bootstrap in ${path} aside and take its mark out of etcd` }];
      return first && initialize === 'empty' && found.kind !== 'cluster' ? [{ action: 'update', summary: 'take the mark of an interrupted bootstrap out of etcd' }] : [];
    },
    apply: (_changes, state) =>
      joinScripts([
        ...(neverServed(state) ? [putAside(path, ownership)] : []),
        // A transaction, so that a bootstrap that completes at this moment keeps its key.
        sh`printf '%s\n' ${`value("${key}") = ""`} '' ${`del ${key}`} '' '' | ${etcdctl(client, ['txn'])}`,
      ]),
    digest: () => digestOf(id, path),
  };
}

/**
 * Whether several proofs agree that what is in the data directory never served anybody, so that it may be put aside: etcd
 * knows of no cluster of the scope, Patroni was never enabled, and
 * - where there is no pg_control (initdb was broken off), pgprov configured this member or noted its first start;
 * - where there is one, the first start was noted and never ended, the timeline is the first, it is no standby, and the last
 *   checkpoint is initdb's. Patroni makes the members' roles before it leads, and asks for a checkpoint then.
 */
export function neverServed({ initialize, enabled, configured, noted, data }: BootstrapState): boolean {
  if (data.kind !== 'cluster' || data.copy !== 'none' || data.running || enabled) return false;
  if (initialize !== 'absent' && initialize !== 'empty') return false;
  const { control, position, history, clusterState = '' } = data;
  if (control === 'missing' || control === 'zero') return noted || configured;
  if (control !== 'valid' || position === undefined || history !== undefined || clusterState.includes('recovery')) return false;
  return noted && position.timeline === 1 && position.nextOid < FIRST_NORMAL_OBJECT;
}
