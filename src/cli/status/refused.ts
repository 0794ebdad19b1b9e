import type { ClusterStatus } from '../../lib/cluster-status.js';
import type { Diagnosed } from '../../lib/finding.js';
import { withRefusal, type Hindered } from '../../report/apply-refused.js';
import { HEADS } from '../operations/heads.js';

/** The status, in which every line that advises a command says that it is refused, where it is. */
export function withRefusals(status: ClusterStatus): ClusterStatus {
  const told = <Line extends { problem?: string }>(line: Line): Line =>
    line.problem === undefined ? line : { ...line, problem: advisable(line.problem, status) };
  const { remarks, services } = status;
  return {
    ...status,
    members: status.members.map(told),
    etcd: status.etcd.map(told),
    problems: status.problems.map((problem) => advisable(problem, status)),
    ...(remarks === undefined ? {} : { remarks: remarks.map((remark) => advisable(remark, status)) }),
    ...(services === undefined ? {} : { services: services.map((line) => ({ ...line, text: advisable(line.text, status) })) }),
  };
}

/** What mends the findings of doctor, which says the same. */
export function withRefusedMends(findings: readonly Diagnosed[], hindered: Hindered): Diagnosed[] {
  return findings.map((finding) => ({ ...finding, mend: advisable(finding.mend, hindered) }));
}

/** A text that says so: while an operation is not finished of whatever else changes the cluster, otherwise of an `apply`. */
export function advisable(text: string, hindered: Hindered): string {
  return withRefusal(text, hindered, hindered.unfinished === undefined ? ['apply'] : ['apply', ...CHANGING]);
}

const CHANGING: readonly string[] = HEADS.filter(({ changesNothing }) => changesNothing !== true).map(({ name }) => name);
