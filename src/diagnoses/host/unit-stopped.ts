import { defineDiagnosis, pgprov, topologyOf, unitHealth, type Examination, type Finding, type Host } from '../../index.js';
import { guardParted, guardStreaming, unitOn } from '../../../roles/shared/streaming/guards.js';
import { leaderOf } from '../shared/leading.js';
import { asEvidence } from '../shared/lines.js';
import { stateSince, unitsWithPorts, watchedUnits } from '../shared/units.js';

/** Somebody stopped a service, or it was never started. */
export default defineDiagnosis({
  name: 'unit-stopped',
  looksAt: 'stopped units',
  asks: ({ host }) => [unitHealth(unitsWithPorts(host))],
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) =>
      watchedUnits(examination, host)
        .filter(({ service }) => service?.active === 'inactive' && service.loaded && service.masked === undefined)
        .map((watched) => {
          const { unit, boot } = watched;
          const since = stateSince(examination, watched);
          const stopped = examination.log(host.name, unit).findLast(({ text }) => /^Stopp(?:ed|ing) /u.test(text));
          return {
            level: 'broken' as const,
            host: host.name,
            unit,
            what: `the unit ${unit} does not run${boot?.putOff === true ? ': it was stopped with pgprov, until it is started again' : ''}`,
            ...(since === undefined ? {} : { since }),
            evidence: [
              { host: host.name, source: 'systemctl', line: `${unit}.service is inactive` },
              ...(stopped === undefined ? [] : [asEvidence(stopped)]),
            ],
            follows: 'its service is down on this host; it did not fail: somebody stopped it, or nobody started it',
            mend: mendOf(examination, host, unit),
            ...sufferers(examination, host.name, unit),
          };
        }),
    ),
});

/** How the unit comes back, by the command that looks first where its start alone could do harm. */
function mendOf(examination: Examination, host: Host, unit: string): string {
  const { view } = examination;
  const { name } = host;
  const started = `${pgprov`start ${view.inventory} --host ${name}`} starts it`;
  if (topologyOf(host) === 'streaming' && unit === unitOn(view, name)) {
    const against = [...guardStreaming(view), ...guardParted(view)].find((objection) => objection.host === name);
    return against?.hint === undefined ? started : `do not start it: ${against.message}; ${against.hint}`;
  }
  if (unit !== view.platform(name)?.patroni.unit) return `start it: \`systemctl start ${unit}\`, as root on ${name}`;
  // Started first by hand, a member without the last commits would take the lead.
  return leaderOf(examination) === undefined
    ? `do not start it by hand while nobody leads: ${pgprov`recover ${view.inventory}`} starts the member with the last commits first`
    : started;
}

/** What fails elsewhere while a service is down: without the server of a repository no member archives. */
function sufferers({ view }: Examination, host: string, unit: string): Pick<Finding, 'explains' | 'affects'> {
  const explains = ['member-down', 'store-member-down', 'consul-server-down'];
  if (unit !== view.platform(host)?.pgbackrest.unit) return { explains };
  return { explains: [...explains, 'archiver'], affects: view.hosts('backup').map(({ name }) => name) };
}
