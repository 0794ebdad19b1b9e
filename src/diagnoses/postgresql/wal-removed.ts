import { defineDiagnosis, pgprov, type Examination, type Finding } from '../../index.js';
import { copiedAnew } from '../../../roles/shared/streaming/guards.js';
import { cutOff, leaderOf, stateEvidence } from '../shared/leading.js';
import { asEvidence, linesOfTries, sinceFirst } from '../shared/lines.js';
import { WAL_REMOVED } from '../shared/standby-words.js';
import { primaryOf, serverEvidence, standbysCutOff } from '../shared/streaming.js';

/** The leader, or the primary without Patroni, no longer has the WAL that a standby needs. */
export default defineDiagnosis({
  name: 'wal-removed',
  looksAt: 'WAL that standbys still need',
  role: 'replication',
  find: (examination) => {
    const [leader, primary] = [leaderOf(examination), primaryOf(examination)];
    const { view } = examination;
    return [
      ...cutOff(examination).flatMap((host) =>
        removed(examination, host, {
          sender: leader ?? '',
          evidence: stateEvidence(examination, host),
          mend: `${pgprov`rebuild ${view.inventory} --host ${host}`} copies the leader’s data anew`,
        }),
      ),
      ...standbysCutOff(examination).flatMap((host) =>
        removed(examination, host, { sender: primary ?? '', evidence: serverEvidence(examination, host), mend: copiedAnew(view, host) }),
      ),
    ];
  },
});

interface Standby {
  /** Who sends, or is to send, WAL to it. */
  sender: string;
  evidence: Finding['evidence'][number];
  mend: string;
}

function removed(examination: Examination, host: string, { sender, evidence, mend }: Standby): Finding[] {
  const lines = linesOfTries(examination, host, WAL_REMOVED);
  const last = lines.at(-1);
  if (last === undefined) return [];
  return [
    {
      level: 'danger',
      host,
      what: `it needs WAL that ${sender} has already removed`,
      ...sinceFirst(lines),
      evidence: [evidence, asEvidence(last)],
      follows: 'it never catches up by itself: it shows older and older data, and nobody can fail over to it',
      mend,
      explains: ['lag', 'member-down', 'standby-cut-off'],
    },
  ];
}
