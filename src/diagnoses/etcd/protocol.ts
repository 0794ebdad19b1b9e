import { defineDiagnosis } from '../../index.js';
import { asEvidence, standingLines } from '../shared/lines.js';
import { membersOf } from '../shared/members.js';

/** Patroni asks its store by a protocol that this no longer has: the section of patroni.yml is named for the old one. */
export default defineDiagnosis({
  name: 'store-protocol',
  looksAt: 'the protocol that Patroni asks its store by',
  role: 'patroni',
  find: (examination) =>
    membersOf(examination).flatMap((host) => {
      const lines = standingLines(examination, host, { units: ['patroni'], pattern: /Failed to get list of machines from \S+\/v2:/u });
      const [first] = lines;
      const platform = examination.view.platform(host);
      if (first === undefined || platform === undefined) return [];
      const { configFile, unit } = platform.patroni;
      return [
        {
          level: 'broken' as const,
          host,
          what: 'Patroni asks its store by the v2 API, which it no longer has: a section of patroni.yml is named for that one',
          since: first.at,
          evidence: lines.slice(-1).map(asEvidence),
          follows: 'Patroni waits for its store for ever, and starts no PostgreSQL',
          // A Patroni that waits for its store reads its file no more, so that writing this right would not be enough.
          mend: `\`sed -i 's/^etcd:/etcd3:/' ${configFile} && systemctl restart ${unit}\`, as root on ${host}`,
          explains: ['no-leader', 'member-down'],
        },
      ];
    }),
});
