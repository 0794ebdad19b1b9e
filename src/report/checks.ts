import { formatBytes } from '../lib/bytes.js';
import type { BackupStatus } from '../lib/backup-status.js';
import type { ClusterStatus, MemberStatus } from '../lib/cluster-status.js';
import { certificateProblems, isLeading, membersWrong, serviceProblems, storeMembers, storeProblems, unseenOf } from './status.js';
import type { CheckName, Limits } from './check-names.js';
import { formatDuration } from './duration.js';
import { count, firstLine } from './words.js';

/** How a check ends, as monitoring plugins have it: 0 to 3. Source: Monitoring Plugins Development Guidelines, "Plugin Return Codes". */
export const LEVELS = ['OK', 'WARNING', 'CRITICAL', 'UNKNOWN'] as const;

/** One of them. */
export type Level = (typeof LEVELS)[number];

/** A value that is drawn over time. */
export interface Measured {
  name: string;
  value: number;
  /** `B`, `s`, or none. */
  unit: '' | 'B' | 's';
  warning?: number;
  critical?: number;
}

/** What came of a check. */
export interface Checked {
  name: CheckName;
  level: Level;
  /** What is wrong, the worst first, or how it is. */
  texts: readonly string[];
  measured: readonly Measured[];
}

/** What is checked. */
export interface CheckedState {
  status: ClusterStatus;
  /** Absent: the cluster has none, or they were not asked for. */
  backups?: BackupStatus;
  /** Bytes behind the leader from which on Patroni has a standby not take over. */
  mostLag: number;
  now: Date;
  warning: Limits;
  critical: Limits;
}

const DAY = 86_400;

/** The order in which one is worse than another. */
const GRAVITY: readonly Level[] = ['OK', 'UNKNOWN', 'WARNING', 'CRITICAL'];

/** The worst of them; `OK` of none. */
export function worst(levels: readonly Level[]): Level {
  return levels.reduce((most, level) => (GRAVITY.indexOf(level) > GRAVITY.indexOf(most) ? level : most), 'OK');
}

/** Looks at a part of the cluster. */
export function checkOf(name: CheckName, state: CheckedState): Checked {
  return { name, ...LOOKS[name](state) };
}

type Look = (state: CheckedState) => Omit<Checked, 'name'>;

/** What was found, the worst first; where nothing was, how it is. */
function found(levels: readonly (readonly [Level, string])[], otherwise: string, measured: readonly Measured[] = []): ReturnType<Look> {
  const sorted = [...levels].sort(([a], [b]) => GRAVITY.indexOf(b) - GRAVITY.indexOf(a));
  const texts = sorted.map(([, text]) => firstLine(text));
  return { level: worst(levels.map(([level]) => level)), texts: texts.length === 0 ? [otherwise] : texts, measured };
}

function against(value: number, { warning, critical }: { warning: number; critical: number }): Level {
  return value > critical ? 'CRITICAL' : value > warning ? 'WARNING' : 'OK';
}

const LOOKS: Readonly<Record<CheckName, Look>> = {
  members: ({ status }) => {
    const { members, leader } = status;
    const led = leader === undefined ? '' : `, ${leader} leads`;
    return found(
      [
        ...membersWrong(status).map((text) => ['CRITICAL', text] as const),
        ...status.problems.map((text) => ['WARNING', text] as const),
        ...unseenOf(status).map((text) => ['UNKNOWN', text] as const),
        ...(members.some(({ pendingRestart }) => pendingRestart) ? [['WARNING', 'settings wait for a restart'] as const] : []),
      ],
      `${count(members.length, 'member')}${led}`,
      [{ name: 'members', value: members.filter(({ unseen, problem }) => unseen !== true && problem === undefined).length, unit: '' }],
    );
  },
  lag: ({ status, mostLag, warning, critical }) =>
    lagOf(status, { warning: warning.lag ?? mostLag, critical: critical.lag ?? Infinity }, mostLag),
  store: (state) => {
    const { store } = state.status;
    const { members, healthy } = storeMembers(state.status);
    // Without a quorum nothing fails over; with one, what is wrong is still to be mended.
    const level = healthy * 2 <= members ? 'CRITICAL' : 'WARNING';
    return found(
      storeProblems(state.status).map((text) => [level, text] as const),
      store === undefined ? 'there is none' : members === 0 ? `${store}: see services` : `${store}: ${count(healthy, 'healthy member')}`,
      members === 0 ? [] : [{ name: 'store_members', value: healthy, unit: '' }],
    );
  },
  services: ({ status }) =>
    found(
      [
        ...serviceProblems(status).map((text) => ['CRITICAL', text] as const),
        ...(status.services ?? []).flatMap(({ host, role, text, level }) =>
          level === 'warning' ? [['WARNING', `${host}: ${role}: ${text}`] as const] : [],
        ),
      ],
      (status.services ?? []).length === 0 ? 'there are none' : 'all in order',
    ),
  certs: ({ status, warning, critical }) => {
    const limits = { warning: warning.certs ?? 30 * DAY, critical: critical.certs ?? 7 * DAY };
    const { certificates } = status;
    const least = Math.min(...certificates.map(({ daysLeft }) => daysLeft));
    const level = (days: number): Level => (days * DAY < limits.critical ? 'CRITICAL' : days * DAY < limits.warning ? 'WARNING' : 'OK');
    const expired = certificateProblems(status);
    return found(
      [
        ...expired.map((text) => ['CRITICAL', text] as const),
        ...certificates.flatMap(({ host, daysLeft, given }) =>
          daysLeft <= 0 || level(daysLeft) === 'OK'
            ? []
            : [
                [
                  level(daysLeft),
                  `the certificate of ${given === undefined ? host : `${given} on ${host}`} expires in ${count(daysLeft, 'day')}`,
                ] as const,
              ],
        ),
      ],
      certificates.length === 0 ? 'there are none' : `the first expires in ${count(least, 'day')}`,
      certificates.length === 0
        ? []
        : [{ name: 'certs', value: least * DAY, unit: 's', warning: limits.warning, critical: limits.critical }],
    );
  },
  backup: ({ backups, now, warning, critical }) => {
    if (backups === undefined) return { level: 'UNKNOWN', texts: ['no host has the role backup'], measured: [] };
    const ended = backups.repositories.flatMap((repository) => repository.backups.map((each) => Date.parse(each.ended)));
    const most = backups.maxAgeHours * 3600;
    const limits = { warning: warning.backup ?? most, critical: critical.backup ?? Infinity };
    const age = ended.length === 0 ? undefined : Math.max(0, Math.round((now.getTime() - Math.max(...ended)) / 1000));
    const words = age === undefined ? 'there is no backup' : `the last backup ended ${formatDuration(age * 1000)} ago`;
    const level = age === undefined ? 'CRITICAL' : against(age, limits);
    return found(
      [...backups.problems.map((text) => ['CRITICAL', text] as const), ...(level === 'OK' ? [] : [[level, words] as const])],
      words,
      age === undefined ? [] : [{ name: 'backup_age', value: age, unit: 's', ...told(limits) }],
    );
  },
  differences: ({ status: { differences, refusal } }) =>
    found(
      [
        ...(differences === undefined ? [['UNKNOWN', 'it was not seen whether the inventory is in force'] as const] : []),
        ...((differences ?? 0) === 0 ? [] : [['WARNING', `${count(differences ?? 0, 'difference')} from the inventory`] as const]),
        ...(refusal === undefined ? [] : [['WARNING', `apply would be refused: ${refusal}`] as const]),
      ],
      'as the inventory says',
      differences === undefined ? [] : [{ name: 'differences', value: differences, unit: '' }],
    ),
};

/** A limit that is none is not told. */
function told({ warning, critical }: { warning: number; critical: number }): Pick<Measured, 'warning' | 'critical'> {
  return { ...(Number.isFinite(warning) ? { warning } : {}), ...(Number.isFinite(critical) ? { critical } : {}) };
}

/** How far standbys are behind. That none could take over is worse than that one could not. */
function lagOf(status: ClusterStatus, limits: { warning: number; critical: number }, mostLag: number): ReturnType<Look> {
  const standbys = status.members.filter((member) => !isLeading(member));
  if (standbys.length === 0) return found([], 'there are no standbys');
  if (status.leader === undefined) return found([['UNKNOWN', 'nobody is seen to lead, so nobody is behind']], '');
  const isBehind = ({ lagBytes = Infinity }: MemberStatus): boolean => lagBytes > mostLag;
  const none = standbys.every(isBehind);
  const farthest = Math.max(...standbys.map(({ lagBytes = 0 }) => lagBytes));
  return found(
    [
      ...standbys.flatMap(({ name, lagBytes }): [Level, string][] => {
        if (lagBytes === undefined) return [['UNKNOWN', `${name} does not tell how far it is behind`]];
        const level = against(lagBytes, limits);
        return level === 'OK' ? [] : [[level, `${name} is ${formatBytes(lagBytes)} behind`]];
      }),
      ...(none ? [['CRITICAL', 'no standby is near enough to take over'] as const] : []),
    ],
    `at most ${formatBytes(farthest)} behind`,
    standbys.flatMap(({ name, lagBytes }) =>
      lagBytes === undefined ? [] : [{ name: `lag_${name}`, value: lagBytes, unit: 'B' as const, ...told(limits) }],
    ),
  );
}

/**
 * The answer of a monitoring plugin: a line with the worst and, behind `|`, what is measured; then a line for each check. Source: Monitoring
 * Plugins Development Guidelines, "Plugin Output".
 */
export function renderChecks(cluster: string, checks: readonly Checked[]): string {
  const level = worst(checks.map((check) => check.level));
  const bad = checks.filter((check) => check.level !== 'OK').sort((a, b) => GRAVITY.indexOf(b.level) - GRAVITY.indexOf(a.level));
  const summary = (bad.length === 0 ? checks : bad).map(({ name, texts: [first = '', ...others] }) => {
    const more = bad.length === 0 || others.length === 0 ? '' : ` and ${count(others.length, 'other')}`;
    return `${name}: ${first}${more}`;
  });
  const data = checks.flatMap(({ measured }) => measured.map(dataOf));
  const lines = checks.map((check) => `[${check.level}] ${check.name}: ${check.texts.join('; ')}`);
  return [
    `PGPROV ${level} - ${plain(`${cluster}: ${summary.join(', ')}`)}${data.length === 0 ? '' : ` | ${data.join(' ')}`}`,
    ...lines.map(plain),
  ].join('\n');
}

/** `'label'=value[unit];[warning];[critical];0`; quotes where a name needs them. A certificate's limits are those below which it is told (`N:`). */
function dataOf({ name, value, unit, warning, critical }: Measured): string {
  const label = /^[\w.-]+$/u.test(name) ? name : `'${name.replaceAll("'", "''")}'`;
  const limit = (given: number | undefined): string => (given === undefined ? '' : name === 'certs' ? `${given}:` : String(given));
  return `${label}=${value}${unit};${limit(warning)};${limit(critical)};0`;
}

/** Behind a bar a plugin's measures begin. */
function plain(text: string): string {
  return text.replaceAll('|', '/');
}
