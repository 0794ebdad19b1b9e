import { defineDiagnosis, UNAPPROVED_DATA, type Finding } from '../../index.js';
import { unapproved } from '../../../roles/shared/unapproved.js';
import { leaderOf } from '../shared/leading.js';

/** A restore that another machine has begun, or whose record is lost, holds the cluster down: only the hosts tell of it. */
export default defineDiagnosis({
  name: 'restore-unfinished',
  looksAt: 'data that a restore has put there and nobody has approved',
  role: 'patroni',
  find: (examination) => {
    const { view } = examination;
    return unapproved(view).map(
      ({ host, what, mend }): Finding => ({
        level: leaderOf(examination) === undefined ? 'broken' : 'danger',
        what,
        evidence: [
          { host, source: 'the notes of restores', line: view.read(host, UNAPPROVED_DATA)?.restore || 'pgprov-restore.service is active' },
        ],
        follows: 'members stay down until it is finished, and must not be started meanwhile',
        mend,
        explains: ['no-leader', 'member-down', 'without-patroni', 'unit-stopped', 'unit-not-at-boot'],
      }),
    );
  },
});
