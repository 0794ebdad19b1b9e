import {
  dataDirectoryOf,
  defineDiagnosis,
  enumerate,
  localServer,
  pgprov,
  SERVER_HEALTH,
  type Examination,
  type Finding,
} from '../../index.js';
import { askHealth } from '../shared/health.js';
import { databaseUser } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS } from '../shared/lines.js';
import { memberOf, membersOf, storeOf } from '../shared/members.js';

/** What a server says when it begins to take writes. */
const PROMOTED = /selected new timeline ID: \d+|received promote request/u;

/** More than one server of the cluster takes writes. */
export default defineDiagnosis({
  name: 'second-writer',
  looksAt: 'whether only one server takes writes',
  role: 'patroni',
  asks: (context) => (context.host.roles.includes('postgresql') ? askHealth(context) : []),
  find: (examination): Finding[] => {
    const writers = membersOf(examination).filter((host) => takesWrites(examination, host));
    if (writers.length < 2) return [];
    const { view } = examination;
    const store = storeOf(examination);
    const holder = writers.find((host) => host === store?.leader);
    const evidence = writers.map((host) => ({
      host,
      source: 'PostgreSQL',
      line: `pg_is_in_recovery() is false, timeline ${memberOf(examination, host)?.timeline ?? '?'}${host === holder ? ', and it holds the leader’s key' : ''}`,
    }));
    if (holder === undefined)
      return [
        {
          level: 'broken',
          what: `${enumerate(writers)} take writes, and none of them holds the leader’s key`,
          evidence,
          follows: 'clients write to each of them, and only what is on one of them can go on',
          mend: `decide which one has the commits that count, and have clients write to no other; ${pgprov`status ${view.inventory}`} shows what each of them is`,
        },
      ];
    return writers
      .filter((host) => host !== holder)
      .map((host) => {
        const promoted = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: PROMOTED }).at(-1);
        return {
          level: 'broken' as const,
          host,
          what: `it takes writes beside ${holder}, which leads`,
          ...(promoted === undefined ? {} : { since: promoted.at }),
          evidence: [...evidence, ...(promoted === undefined ? [] : [asEvidence(promoted)])],
          follows: `what clients write to ${host} is on no other member, and is not the cluster’s`,
          mend: `keep clients off it, and have it begin anew, which keeps what it has beside it: ${anew(examination, host)}`,
          explains: ['without-patroni', 'history-fork', 'diverged', 'member-down', 'lag', 'versions'],
        };
      });
  },
});

/** By the server's own word, or where it was not asked, by its Patroni's. */
function takesWrites(examination: Examination, host: string): boolean {
  const health = examination.view.read(host, SERVER_HEALTH);
  if (health !== undefined) return !health.standby;
  const member = memberOf(examination, host);
  return member?.role === 'leader' && member.state === 'running';
}

/** Patroni is stopped before its server: it would rewind that one, and what only it has would be gone. */
function anew(examination: Examination, name: string): string {
  const { view } = examination;
  const { inventory } = view;
  const host = inventory.hosts.find((each) => each.name === name);
  const platform = view.platform(name);
  const paused = storeOf(examination)?.config?.['pause'] === true;
  const commands =
    host === undefined || platform === undefined
      ? []
      : [
          `\`systemctl stop ${platform.patroni.unit}; runuser -u ${databaseUser(examination, name)} -- ${localServer(host, platform).binDirectory}/pg_ctl -D ${dataDirectoryOf(host, platform)} -m fast stop\`, as root on ${name}`,
        ];
  return [
    ...commands,
    ...(paused ? [pgprov`resume ${inventory}`] : []),
    pgprov`rebuild ${inventory} --host ${name} --give-up-commits`,
  ].join('; then ');
}
