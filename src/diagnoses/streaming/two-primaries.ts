import { defineDiagnosis, enumerate } from '../../index.js';
import { seenServers } from '../../../roles/shared/streaming/seen.js';
import { unitOn } from '../../../roles/shared/streaming/guards.js';
import { serverEvidence, withTimeline } from '../shared/streaming.js';

/** Two servers of one database take writes. */
export default defineDiagnosis({
  name: 'two-primaries',
  looksAt: 'how many servers take writes',
  role: 'replication',
  topology: 'streaming',
  find: (examination) => {
    const { view } = examination;
    const open = seenServers(view).filter(({ says }) => says?.standby === false);
    const [first, ...others] = open;
    const twins = others.filter(({ data }) => data.systemIdentifier === first?.data.systemIdentifier);
    if (first === undefined || twins.length === 0) return [];
    const all = [first, ...twins];
    const stops = all.map(({ name }) => `\`systemctl stop ${unitOn(view, name)}\`, as root on ${name}`);
    return [
      {
        level: 'broken',
        what: `${enumerate(all.map(withTimeline))} are primaries of one database (system identifier ${first.data.systemIdentifier ?? 'unknown'})`,
        evidence: all.map(({ name }) => serverEvidence(examination, name)),
        follows: 'clients may write to each, and what they write to one is not on the other',
        mend: `stop the one that is not to go on, before anything else: ${stops.join(', or ')}. What clients wrote there is on that host alone: look at it before it becomes a standby`,
        explains: ['standby-cut-off', 'standby-signal', 'primary-differs'],
        affects: all.map(({ name }) => name),
      },
    ];
  },
});
