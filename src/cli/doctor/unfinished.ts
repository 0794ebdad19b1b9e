import { defineDiagnosis, type Diagnosis } from '../../plan/diagnosis.js';
import type { Unfinished } from '../operations/unfinished.js';

/** What a restore or a clone does itself to members while it is not finished. */
const ITS_DOING: readonly string[] = ['no-leader', 'member-down', 'without-patroni', 'unit-stopped', 'unit-not-at-boot'];

/**
 * That an operation is not finished. Any command that changes the cluster is refused until then, those that mend something else among them, so
 * what it has stopped itself is told below it.
 */
export function unfinishedDiagnosis(unfinished: Unfinished | undefined, leader: string | undefined): Diagnosis {
  return defineDiagnosis({
    name: 'unfinished',
    looksAt: 'operations that are not finished',
    find: ({ view: { inventory } }) => {
      // While it is carried out nothing is left to be done.
      if (unfinished?.mend === undefined) return [];
      const { what, mend, began, holdsMembers } = unfinished;
      const since = began === undefined ? {} : { since: Date.parse(began) };
      return [
        {
          level: holdsMembers === true && leader === undefined ? 'broken' : 'danger',
          what,
          ...since,
          evidence: [],
          follows:
            holdsMembers === true && leader === undefined
              ? 'members are down because of it, and no client can write; whatever else changes the cluster is refused'
              : 'whatever else changes the cluster is refused',
          mend,
          ...(holdsMembers === true ? { explains: ITS_DOING, affects: inventory.hosts.map(({ name }) => name) } : {}),
        },
      ];
    },
  });
}
