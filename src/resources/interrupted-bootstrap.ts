import { joinScripts, Script, sh } from '../shell/quote.js';
import { readScope, type DcsKeys } from './dcs.js';
import { dataQuestion, readDataDirectory, type DataDirectoryState } from './data-directory.js';
import type { Ownership } from './files/path.js';
import { tellFirstStart, type FirstStart } from './first-start.js';
import { findMemberState, restQuestion } from './patroni/rest.js';
import { putAside } from './put-aside.js';
import { isPutOff } from './put-off.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';
import { handle } from './handle.js';
import { printAnswer } from './shared-question.js';
import { findUnit, unitsQuestion } from './units.js';

/** Patroni's words for a member that makes or has a database. */
const UNDER_WAY = new Set([
  'initializing new cluster',
  'running custom bootstrap script',
  'starting after custom bootstrap',
  'running',
  'starting',
]);

/** OIDs from here on are those of a server that others connect to; initdb's are below (PostgreSQL's FirstNormalObjectId). */
const FIRST_NORMAL_OBJECT = 16384;

/** What is left of a bootstrap on a host. */
export interface BootstrapState {
  /** The scope's `initialize` key: Patroni makes it empty when it begins, and fills in the identifier when it is done. */
  initialize: 'absent' | 'empty' | 'set' | 'unknown';
  /** Somebody holds the leader key. */
  led: boolean;
  /** This host's Patroni is at it, or another member says in the store that it is, or PostgreSQL runs here; never where somebody leads. */
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
  /** What Patroni keeps in its store. */
  keys: DcsKeys;
}

/** The observation's id, for guards that look it up. */
export const INTERRUPTED_BOOTSTRAP = handle<BootstrapState>('interrupted-bootstrap');

/**
 * No bootstrap that was interrupted (the host lost its power in the middle of initdb, or Patroni was stopped
 * there) is in the way. Patroni marks one with an empty `initialize` key, which it only writes when its data
 * directory is empty, and every member then waits for it for ever; or it takes the mark back when a bootstrap
 * failed. The beginnings are put aside, never deleted, where they never served (see `neverServed`), and the empty key is
 * removed. Where initdb cleaned up after itself only the key is left, which is the first leader's to remove.
 */
export function interruptedBootstrap(options: InterruptedBootstrapOptions): Resource<BootstrapState> {
  const { path, member, binDirectory, first, unit, configFile, ownership, url, keys } = options;
  const id = INTERRUPTED_BOOTSTRAP.id;
  const rest = restQuestion(`${url}/patroni`);
  const units = unitsQuestion(unit);
  const data = dataQuestion({ path, binDirectory, user: ownership.owner });
  return {
    id,
    sharedQuestions: [rest, units, keys.question, data],
    // Where there is a leader nothing is in the way, whatever runs on this host.
    probe: () => sh`case "$${Script.build(keys.question.variable)}" in
${keys.led}) echo led ;;
*) if cat /proc/[0-9]*/comm 2>/dev/null | grep -qxE 'initdb|postgres'; then echo underway; fi ;;
esac
if [ -r ${configFile} ]; then read -r line <${configFile}; else line=; fi
case "$line" in '# Managed by pgprov'*) echo configured ;; esac
${tellFirstStart(options)}
if ${isPutOff(unit)}; then echo put-off; fi
${printAnswer(data, rest, units, keys.question)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const lines = new Set(text.split('\n'));
      const scope = readScope(keys, text);
      const others = scope.reachable ? scope.members.filter(({ name }) => name !== member) : [];
      const led = lines.has('led') || (scope.reachable && scope.leader !== undefined);
      // Of a cluster that is led every member says that it runs.
      const underWay =
        !led && (lines.has('underway') || UNDER_WAY.has(findMemberState(text, url)) || others.some(({ state }) => UNDER_WAY.has(state)));
      return {
        initialize: !scope.reachable ? 'unknown' : scope.initialize === undefined ? 'absent' : scope.initialize === '' ? 'empty' : 'set',
        led,
        underWay,
        configured: lines.has('configured'),
        enabled: lines.has('put-off') || findUnit(text, unit).file.startsWith('enabled'),
        noted: lines.has('noted'),
        data: readDataDirectory(answer),
      };
    },
    diff: (state): Change[] => {
      const { initialize, led, underWay, data: found } = state;
      if (led || underWay) return [];
      if (neverServed(state))
        return [{ action: 'update', summary: `put the interrupted bootstrap in ${path} aside and take its mark out of ${keys.name}` }];
      return first && initialize === 'empty' && found.kind !== 'cluster'
        ? [{ action: 'update', summary: `take the mark of an interrupted bootstrap out of ${keys.name}` }]
        : [];
    },
    apply: (_changes, state) => joinScripts([...(neverServed(state) ? [putAside(path, ownership)] : []), keys.clearMark()]),
    digest: () => digestOf(id, path),
  };
}

/**
 * Whether several proofs agree that what is in the data directory never served anybody, so that it may be put aside: the store
 * knows of no cluster of the scope, Patroni was never enabled, and
 * - where there is no pg_control (initdb was interrupted), pgprov configured this member or noted its first start;
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
