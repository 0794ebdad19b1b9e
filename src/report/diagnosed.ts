import { FINDING_LEVELS, type Diagnosed, type DoctorAnswer } from '../lib/finding.js';
import type { Diagnosis, Examination } from '../plan/diagnosis.js';

/**
 * What the diagnoses find, the most important first.
 * @param problems what `pgprov status` calls wrong: what no finding is about is told as well, so that doctor never calls well what status does not
 */
export function diagnosed(diagnoses: readonly Diagnosis[], examination: Examination, problems: readonly string[]): DoctorAnswer {
  const { view, now, unseen } = examination;
  const all = diagnoses.map((diagnosis) => ({ diagnosis, found: diagnosis.find(examination) }));
  const flat = all.flatMap(({ diagnosis: { name }, found }) =>
    found.map((finding): Diagnosed => ({ ...finding, diagnosis: name, consequences: [] })),
  );
  const folded = foldConsequences(flat);
  const findings = [
    ...folded,
    ...unexplained(
      problems,
      folded,
      view.inventory.hosts.map(({ name }) => name),
      [...unseen.values()],
    ),
  ];
  return {
    cluster: view.inventory.cluster,
    at: now,
    findings: findings.sort((a, b) => FINDING_LEVELS.indexOf(a.level) - FINDING_LEVELS.indexOf(b.level)),
    well: all.filter(({ found }) => found.length === 0).map(({ diagnosis }) => diagnosis.looksAt),
    unseen: [...unseen].map(([host, reason]) => ({ host, reason })),
  };
}

/** Each finding that another one explains goes below that one. */
function foldConsequences(findings: readonly Diagnosed[]): Diagnosed[] {
  const explainer = (finding: Diagnosed): Diagnosed | undefined =>
    findings.find(
      ({ diagnosis, host, explains = [] }) =>
        diagnosis !== finding.diagnosis && explains.includes(finding.diagnosis) && (host === undefined || host === finding.host),
    );
  const isTop = (finding: Diagnosed): boolean => explainer(finding) === undefined;
  return findings.filter(isTop).map((finding) => ({ ...finding, consequences: findings.filter((other) => explainer(other) === finding) }));
}

function unexplained(
  problems: readonly string[],
  findings: readonly Diagnosed[],
  hosts: readonly string[],
  unseen: readonly string[],
): Diagnosed[] {
  const serious = findings.filter(({ level }) => level !== 'notice');
  const isExplained = (problem: string): boolean => {
    const about = hosts.find((host) => problem.startsWith(`${host}: `));
    return serious.some(({ host, level }) => (about === undefined ? level === 'broken' : host === about || host === undefined));
  };
  return problems
    .filter((problem) => !unseen.includes(problem) && !isExplained(problem))
    .map((problem): Diagnosed => {
      const host = hosts.find((name) => problem.startsWith(`${name}: `));
      return {
        diagnosis: 'status',
        level: 'danger',
        ...(host === undefined ? {} : { host }),
        what: host === undefined ? problem : problem.slice(host.length + 2),
        evidence: [],
        follows: 'the cluster is not healthy; what it comes from is not known to doctor',
        mend: 'see what its logs say, with `pgprov logs`',
        consequences: [],
      };
    });
}
