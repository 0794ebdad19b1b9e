import { defineDiagnosis } from '../../index.js';
import { leaderDrift } from '../../../roles/shared/streaming/told.js';
import { serverEvidence } from '../shared/streaming.js';

/** Another server is the primary than the inventory says. */
export default defineDiagnosis({
  name: 'primary-differs',
  looksAt: 'whether the primary is the one that the inventory names',
  role: 'replication',
  topology: 'streaming',
  find: (examination) =>
    leaderDrift(examination.view).map(({ host, what, mend }) => ({
      level: 'notice',
      host,
      what,
      evidence: [serverEvidence(examination, host)],
      follows: 'standbys try the server that the inventory names first, and who reads the inventory takes it for the primary',
      mend,
    })),
});
