import { defineDiagnosis, type Examination, type Finding } from '../../index.js';
import { givenUpAnew, pathOn, signalCommand } from '../../../roles/shared/streaming/guards.js';
import { isJoining, seenServers, type SeenServer } from '../../../roles/shared/streaming/seen.js';
import { primaryOf, serverEvidence } from '../shared/streaming.js';

/** A server would be another after its next start than it is, or is to be. */
export default defineDiagnosis({
  name: 'standby-signal',
  looksAt: 'what servers are after their next start (standby.signal)',
  role: 'replication',
  topology: 'streaming',
  find: (examination) => {
    const primary = primaryOf(examination);
    return seenServers(examination.view).flatMap((server) => {
      const { name, says, signal } = server;
      if (says?.standby === false) return signal ? [signalled(examination, server)] : [];
      if (signal || isJoining(examination.view, name) || (says === undefined && primary === undefined)) return [];
      return [unsignalled(examination, server, primary)];
    });
  },
});

function signalled(examination: Examination, { name }: SeenServer): Finding {
  return {
    level: 'danger',
    host: name,
    what: 'it is the primary and has a standby.signal',
    evidence: [serverEvidence(examination, name)],
    follows: 'its next start makes it a standby, and nobody takes writes',
    mend: `\`rm ${pathOn(examination.view, name)}/standby.signal\`, as root on ${name}, unless somebody is just making it a standby`,
  };
}

function unsignalled(examination: Examination, { name, says }: SeenServer, primary: string | undefined): Finding {
  const command = `${signalCommand(examination.view, name)}, as root on ${name},`;
  return {
    level: 'danger',
    host: name,
    what: says === undefined ? 'it is down and has no standby.signal' : 'it runs as a standby, and its standby.signal is gone',
    evidence: [serverEvidence(examination, name), ...(primary === undefined ? [] : [serverEvidence(examination, primary)])],
    follows: `its next start makes it a second primary${primary === undefined ? '' : ` beside ${primary}`}`,
    mend:
      says === undefined
        ? `do not start it. If it has no commits that ${primary ?? 'the primary'} lacks, ${command} makes it a standby; otherwise look at it first, then ${givenUpAnew(examination.view, name)}`
        : `${command} gives it back`,
  };
}
