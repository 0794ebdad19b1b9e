import { defineDiagnosis, pgprov, STREAMING_SERVER } from '../../index.js';
import { upstreamOf } from '../../../roles/shared/streaming/servers.js';
import { asEvidence, linesOfTries, sinceFirst, spanWords } from '../shared/lines.js';
import { RECEIVER_FAILS } from '../shared/standby-words.js';
import { primaryOf, serverEvidence, standbysCutOff } from '../shared/streaming.js';

/** A standby runs and does not stream, for whatever reason. */
export default defineDiagnosis({
  name: 'standby-cut-off',
  looksAt: 'whether standbys stream',
  role: 'replication',
  topology: 'streaming',
  find: (examination) => {
    const primary = primaryOf(examination) ?? '';
    const { view } = examination;
    const { inventory } = view;
    return standbysCutOff(examination).map((host) => {
      const member = inventory.hosts.find(({ name }) => name === host);
      const source = (member === undefined ? undefined : upstreamOf(member)) ?? primary;
      const lines = linesOfTries(examination, host, RECEIVER_FAILS);
      const first = lines[0];
      const long = first === undefined ? '' : `, for ${spanWords((examination.now - first.at) / 1000)}`;
      const isPaused = view.read(host, STREAMING_SERVER)?.says?.paused === true;
      return {
        level: 'danger',
        host,
        what: `it does not stream from ${source}${long}${isPaused ? ', and its replay is paused, so that it connects to nobody' : ''}`,
        ...sinceFirst(lines),
        evidence: [serverEvidence(examination, host), serverEvidence(examination, source), ...lines.slice(-1).map(asEvidence)],
        follows: `it shows older and older data, and its slot on ${source} holds more and more WAL`,
        mend: isPaused
          ? `\`SELECT pg_wal_replay_resume()\` in its PostgreSQL, as postgres; then it streams by itself`
          : `${pgprov`apply ${inventory}`} puts right what pgprov sets of it (settings, .pgpass, pg_hba.conf, slots); ${pgprov`logs ${inventory} --host ${host}`} shows what it says`,
      };
    });
  },
});
