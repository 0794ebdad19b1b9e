import { pgprov } from '../lib/pgprov-command.js';
import { FINDING_LEVELS, type Diagnosed, type DoctorAnswer, type Finding } from '../lib/finding.js';
import type { Inventory } from '../model/index.js';
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
  const findings = [...folded, ...unexplained(view.inventory, problems, folded, [...unseen.values()])];
  return {
    cluster: view.inventory.cluster,
    at: now,
    findings: findings.sort((a, b) => FINDING_LEVELS.indexOf(a.level) - FINDING_LEVELS.indexOf(b.level)),
    well: all.filter(({ found }) => found.length === 0).map(({ diagnosis }) => diagnosis.looksAt),
    unseen: [...unseen].map(([host, reason]) => ({ host, reason })),
  };
}

/** Each finding that another one explains, at first or second hand, goes below that one; of two that explain each other the earlier stands. */
function foldConsequences(findings: readonly Diagnosed[]): Diagnosed[] {
  const explains = (one: Diagnosed, other: Diagnosed): boolean =>
    one.diagnosis !== other.diagnosis &&
    one.explains?.some((name) => name === other.diagnosis || name === `${other.diagnosis}/${other.unit}`) === true &&
    (one.host === undefined || one.host === other.host || isAffected(one, other.host));
  const rootOf = (finding: Diagnosed, below: readonly Diagnosed[] = []): Diagnosed => {
    const above = findings.find((one) => !below.includes(one) && explains(one, finding));
    return above === undefined ? finding : rootOf(above, [...below, finding]);
  };
  const earlier = (one: Diagnosed, other: Diagnosed): Diagnosed => (findings.indexOf(one) < findings.indexOf(other) ? one : other);
  const standsBelow = (finding: Diagnosed): Diagnosed => {
    const root = rootOf(finding);
    return rootOf(root) === finding ? earlier(root, finding) : root;
  };
  return findings
    .filter((finding) => standsBelow(finding) === finding)
    .map((finding) => ({ ...finding, consequences: findings.filter((other) => other !== finding && standsBelow(other) === finding) }));
}

function isAffected({ affects = [] }: Finding, host: string | undefined): boolean {
  return host !== undefined && affects.includes(host);
}

function unexplained(
  inventory: Inventory,
  problems: readonly string[],
  findings: readonly Diagnosed[],
  unseen: readonly string[],
): Diagnosed[] {
  const { hosts } = inventory;
  const serious = findings.filter(({ level }) => level !== 'notice');
  const isExplained = (problem: string): boolean => {
    const about = hosts.find(({ name }) => problem.startsWith(`${name}: `))?.name;
    // What one host says of another one's address comes from what is wrong there.
    const named = hosts.filter(({ address, clusterAddress }) => [address, clusterAddress].some((each) => wordsOf(problem).includes(each)));
    const subjects = [about, ...named.map(({ name }) => name)];
    return serious.some((one) =>
      about === undefined ? one.level === 'broken' : one.host === undefined || subjects.includes(one.host) || isAffected(one, about),
    );
  };
  return problems
    .filter((problem) => !unseen.includes(problem) && !isExplained(problem))
    .map((problem): Diagnosed => {
      const host = hosts.find(({ name }) => problem.startsWith(`${name}: `))?.name;
      // What mends it stands below it, where status knows that.
      const [what = '', ...below] = (host === undefined ? problem : problem.slice(host.length + 2)).split('\n');
      const mend = below.map((line) => line.trim()).join(' ');
      return {
        diagnosis: 'status',
        level: 'danger',
        ...(host === undefined ? {} : { host }),
        what,
        evidence: [],
        follows: `the cluster is not ${mend === '' ? 'healthy; what it comes from is not known to doctor' : 'as the inventory has it'}`,
        mend: mend === '' ? `see what the logs say: ${pgprov`logs ${inventory} --since 1d`}` : mend,
        consequences: [],
      };
    });
}

function wordsOf(text: string): string[] {
  return text.split(/[\s"',;]+|:(?=\s|$)/u);
}
