import { readDataDirectory, dataQuestion } from './data-directory.js';
import { readScope, type DcsKeys } from './dcs.js';
import type { Ownership } from './files/path.js';
import { putAside } from './put-aside.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';
import { joinScripts, sh } from '../shell/quote.js';
import { printAnswer } from './shared-question.js';
import { findUnit, unitsQuestion } from './units.js';

/** The data directory of a member, and where its cluster is looked up. */
export interface UnstartedCopyOptions {
  path: string;
  binDirectory: string;
  ownership: Ownership;
  /** Patroni's unit. */
  unit: string;
  /** The member's name in Patroni. */
  member: string;
  /** What Patroni keeps in its store. */
  keys: DcsKeys;
}

/** Whether the copy is to go aside. */
export interface UnstartedCopyState {
  due: boolean;
}

/**
 * Patroni is not started on a base backup that no server has started on, as a host that loses its power at the end of one leaves it. Its
 * pg_control says "in production", which it has from the leader, so Patroni (seen with 4.0) takes it for a primary that crashed and recovers
 * it in single-user mode. That writes a checkpoint that the leader never wrote, on the leader's timeline, where pg_rewind sees no
 * difference, and the member never streams. It is put aside, never deleted, while another member of the same cluster leads; Patroni then
 * copies anew. Without a leader it may be the restored data of a person, and stays.
 */
export function unstartedCopy(options: UnstartedCopyOptions): Resource<UnstartedCopyState> {
  const { path, binDirectory, ownership, unit, member, keys } = options;
  const id = `unstarted-copy:${path}`;
  const data = dataQuestion({ path, binDirectory, user: ownership.owner });
  const units = unitsQuestion(unit);
  return {
    id,
    sharedQuestions: [data, units, keys.question],
    probe: () => printAnswer(data, units, keys.question),
    parse: (answer) => {
      const text = answerText(answer);
      const found = readDataDirectory(answer);
      const scope = readScope(keys, text);
      const { active } = findUnit(text, unit);
      const runs = active === 'active' || active === 'activating' || active === 'reloading' || active === 'deactivating';
      if (runs || !scope.reachable || found.kind !== 'cluster' || found.unstarted !== true) return { due: false };
      const isLedByOther = scope.leader !== undefined && scope.leader !== member;
      return { due: isLedByOther && found.systemIdentifier !== undefined && scope.initialize === found.systemIdentifier };
    },
    diff: ({ due }): Change[] =>
      due ? [{ action: 'update', summary: `put the base backup in ${path} aside, on which PostgreSQL never started` }] : [],
    apply: () =>
      joinScripts([
        sh`case "$(systemctl is-active ${unit})" in
active | activating | reloading | deactivating)
echo ${`${unit} runs by now; run this again`}
exit 1
;;
esac`,
        putAside(path, ownership),
      ]),
    digest: () => digestOf(id),
  };
}
