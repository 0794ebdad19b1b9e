import { DCS, defineDiagnosis, pgprov, type Examination, type Finding } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { hostsWith, scopePrefix } from '../../../roles/shared/layout.js';
import { leaderOf } from '../shared/leading.js';
import { dataOf, membersOf } from '../shared/members.js';

/** What Patroni keeps the cluster's identity under is lost, empty, or of another cluster than the data. */
export default defineDiagnosis({
  name: 'initialize-key',
  looksAt: 'the identity of the cluster in its store',
  role: 'patroni',
  find: (examination): Finding[] => {
    const { view } = examination;
    const [seen] = membersOf(examination).flatMap((host) => {
      const store = view.read(host, DCS);
      return store?.reachable === true ? [{ host, store }] : [];
    });
    const members = membersOf(examination).flatMap((host) => dataOf(examination, host)?.systemIdentifier ?? []);
    const [identifier] = members;
    if (seen === undefined || identifier === undefined || isBootstrap(examination)) return [];
    const { initialize } = seen.store;
    const what = troubleOf(initialize, members);
    if (what === undefined) return [];
    return [
      {
        level: leaderOf(examination) === undefined ? 'broken' : 'danger',
        what,
        evidence: [
          {
            host: seen.host,
            source: 'the store',
            line: `initialize = ${initialize === undefined ? '(no such key)' : JSON.stringify(initialize)}`,
          },
          ...membersOf(examination).map((host) => ({
            host,
            source: 'pg_control',
            line: `system identifier ${dataOf(examination, host)?.systemIdentifier ?? 'unknown'}`,
          })),
        ],
        follows: 'no member can start anew: Patroni takes it for one of another cluster, or begins a new cluster where a host has no data',
        mend: isForeign(initialize)
          ? puttingBack(examination, identifier)
          : `${pgprov`recover ${view.inventory}`} puts the identity back from the data that is there; never delete the data`,
        explains: ['no-leader', 'member-down', 'unit-failed/patroni', 'unit-restarts/patroni'],
      },
    ];
  },
});

/** While a cluster is made the key is empty. */
function isBootstrap(examination: Examination): boolean {
  return membersOf(examination).every((host) => dataOf(examination, host)?.running !== true) && leaderOf(examination) === undefined
    ? membersOf(examination).every((host) => dataOf(examination, host)?.control !== 'valid')
    : false;
}

function isForeign(initialize: string | undefined): boolean {
  return initialize !== undefined && initialize !== '';
}

/** Whose scope that is only a person knows. While nobody leads nothing is written that a Patroni could read: the first that came up would lead. */
function puttingBack(examination: Examination, identifier: string): string {
  const { view } = examination;
  const { inventory } = view;
  const [member] = hostsWith(inventory, 'patroni');
  const key = member === undefined ? 'initialize' : `${scopePrefix(inventory, member)}initialize`;
  const condition = 'if no other cluster keeps anything there, and the data is the right one';
  const put = dcsOf(inventory).putting(view, key, identifier);
  if (leaderOf(examination) !== undefined) return `${condition}: ${put}`;
  return `${condition}: \`systemctl stop patroni\`, as root on every host; then ${put}; then ${pgprov`recover ${inventory}`} starts the member with the last commits first`;
}

function troubleOf(initialize: string | undefined, identifiers: readonly string[]): string | undefined {
  if (initialize === undefined) return 'the store has lost the identity of the cluster (its key initialize is missing)';
  if (initialize === '') return 'the store has an empty identity of the cluster (its key initialize)';
  if (identifiers.includes(initialize)) return undefined;
  return `the store has the identity of another cluster (${initialize}) than the data of every member (${identifiers[0] ?? ''})`;
}
