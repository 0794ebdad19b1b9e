import { defineDiagnosis, KERNEL_LOG, kernelLog, type Examination, type LoggedLine } from '../../index.js';
import { asEvidence, POSTGRESQL_LOGS, withDetails } from '../shared/lines.js';
import { runs, unitsWithPorts, watchedUnits } from '../shared/units.js';

/** `Out of memory: Killed process 1234 (postgres) total-vm:…`, before 5.x also `Kill process` and `Memory cgroup out of memory:`. */
const KILLED = /out of memory.*: Kill(?:ed)? process \d+ \((?<program>[^)]*)\)/iu;

/** What systemd says in the journal of the unit. */
const UNIT_KILLED = /A process of this unit has been killed by the OOM killer|Failed with result 'oom-kill'/u;

/** Programs of a cluster besides those that its units are called after; that the kernel killed another one is for others to know. */
const OURS = /^(?:postgres|postmaster|patroni|python3?|pgbackrest)/u;

/** What PostgreSQL says of a process of its own that was killed; with the query that it ran. */
const OF_POSTGRESQL = /was terminated by signal 9/u;

/** Milliseconds after the kill in which it says so. */
const SOON = 10_000;

/** The kernel killed a process of the cluster because memory ran out. */
export default defineDiagnosis({
  name: 'out-of-memory',
  looksAt: 'processes that were killed for want of memory',
  asks: () => [kernelLog()],
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) => {
      const units = unitsWithPorts(host);
      const kills = killsOn(examination, host.name, units);
      const first = kills[0];
      if (first === undefined) return [];
      const programs = [...new Set(kills.flatMap(({ text }) => KILLED.exec(text)?.groups?.['program'] ?? []))];
      const hit = [...new Set(kills.flatMap(({ unit }) => (unit === 'kernel' ? [] : [unit])))];
      const who = programs.length > 0 ? programs.join(', ') : `a process of ${hit.join(', ')}`;
      const down = watchedUnits(examination, host).some((watched) => !runs(watched));
      return [
        {
          level: down ? ('broken' as const) : ('danger' as const),
          host: host.name,
          what: `memory ran out, and the kernel killed ${who}`,
          since: first.at,
          evidence: [...kills, ...saidOf(examination, host.name, kills)].map(asEvidence),
          follows:
            'PostgreSQL ends all its connections when one of its processes is killed so, and a member may lose the lead; it will happen again',
          mend: `let it need less, or give it more memory: \`ps -eo rss,comm --sort -rss | head\`, as root on ${host.name}, shows who has it; work_mem times connections is the usual cause`,
          explains: ['unit-failed', 'unit-restarts', 'member-down', 'store-member-down', 'consul-server-down'],
        },
      ];
    }),
});

function killsOn({ view, log }: Examination, host: string, units: readonly string[]): LoggedLine[] {
  const isOurs = (program: string): boolean => OURS.test(program) || units.includes(program);
  const kernel = (view.read(host, KERNEL_LOG) ?? [])
    .filter(({ text }) => isOurs(KILLED.exec(text)?.groups?.['program'] ?? ''))
    .map((line) => ({ ...line, host }));
  const journal = log(host, ...units, 'postgresql').filter(({ text }) => UNIT_KILLED.test(text));
  return [...kernel, ...journal].sort((a, b) => a.at - b.at);
}

/** PostgreSQL's own words of the last of these kills, which name the query. */
function saidOf(examination: Examination, host: string, kills: readonly LoggedLine[]): LoggedLine[] {
  const said = examination
    .log(host, ...POSTGRESQL_LOGS)
    .findLast(({ at, text }) => OF_POSTGRESQL.test(text) && kills.some((kill) => at >= kill.at - SOON && at < kill.at + SOON));
  return said === undefined ? [] : withDetails(examination, said);
}
