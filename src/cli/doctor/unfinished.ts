import { defineDiagnosis, type Diagnosis } from '../../plan/diagnosis.js';
import type { Host } from '../../model/index.js';
import { PATRONI_MEMBER } from '../../resources/patroni/member.js';
import type { Unfinished } from '../operations/unfinished.js';

/** What an operation that holds members does to them itself while it is not finished. */
const ITS_DOING: readonly string[] = [
  'restore-unfinished',
  'no-leader',
  'member-down',
  'without-patroni',
  'unit-stopped',
  'unit-not-at-boot',
  // It gives the data another identity, and the data that the inventory means may be the former one.
  'initialize-key',
  'system-identifier',
];

/**
 * That an operation is not finished. Any command that changes the cluster is refused until then, those that mend something else among them, so
 * what it has stopped itself is told below it.
 */
export function unfinishedDiagnosis(unfinished: Unfinished | undefined, leader: string | undefined): Diagnosis {
  return defineDiagnosis({
    name: 'unfinished',
    looksAt: 'operations that are not finished',
    find: ({ view }) => {
      const { inventory } = view;
      // While it is carried out nothing is left to be done.
      if (unfinished?.mend === undefined) return [];
      const { what, mend, began, holdsMembers, pausesPools } = unfinished;
      const doing = [...(holdsMembers === true ? ITS_DOING : []), ...(pausesPools === true ? ['pools-paused'] : [])];
      const since = began === undefined ? {} : { since: Date.parse(began) };
      const answers = ({ name }: Host): boolean => view.read(name, PATRONI_MEMBER)?.answers === true;
      const isDown = holdsMembers === true && (leader === undefined || !view.hosts('patroni').every(answers));
      const refused = 'whatever else changes the cluster is refused';
      return [
        {
          level: isDown ? 'broken' : 'danger',
          what,
          ...since,
          evidence: [],
          follows: isDown ? `members stay down until then${leader === undefined ? ', and no client can write' : ''}; ${refused}` : refused,
          mend,
          ...(doing.length === 0 ? {} : { explains: doing, affects: inventory.hosts.map(({ name }) => name) }),
        },
      ];
    },
  });
}
