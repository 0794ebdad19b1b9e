import type { Examination, Finding } from '../../index.js';
import { leaderOf } from './leading.js';
import { membersOf } from './members.js';

/** Lines of evidence of one member that are told where all have the same. */
const OF_EACH = 2;

/** What keeps every member from working is the cluster's, and why nobody leads: these findings, of one diagnosis, as one. */
export function together(examination: Examination, findings: readonly Finding[]): readonly Finding[] {
  const [first] = findings;
  const members = membersOf(examination);
  if (first === undefined || members.length < 2 || leaderOf(examination) !== undefined) return findings;
  if (!members.every((host) => findings.some((finding) => finding.host === host))) return findings;
  const known = findings.flatMap(({ since }) => since ?? []);
  const { host: _host, since: _since, ...rest } = first;
  return [
    {
      ...rest,
      what: `on every member ${first.what}`,
      ...(known.length === 0 ? {} : { since: Math.min(...known) }),
      evidence: findings.flatMap(({ evidence }) => evidence.slice(0, OF_EACH)),
      explains: [...(first.explains ?? []), 'no-leader'],
    },
  ];
}
