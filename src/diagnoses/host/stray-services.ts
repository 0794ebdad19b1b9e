import {
  dataDirectoryOf,
  defineDiagnosis,
  instancesOfOthers,
  LEFT_UNITS,
  RUNNING,
  STRAY_SERVICES,
  strayServices,
  topologyOf,
  unitsOfOthers,
  type Examination,
  type Finding,
  type Host,
} from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { unitsWithPorts, watchedUnits } from '../shared/units.js';

/** Debian’s unit that does nothing but start the clusters that are to start at boot. */
const UMBRELLA = 'postgresql';

/** A second server, cluster or store starts on a host beside the one of the inventory. */
export default defineDiagnosis({
  name: 'stray-services',
  looksAt: 'services beside those of the cluster',
  asks: ({ inventory }) => [strayServices(['postgresql', 'patroni', dcsOf(inventory).unit])],
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) => [...strayUnits(examination, host), ...strayClusters(examination, host)]),
});

function strayUnits(examination: Examination, host: Host): Finding[] {
  const state = examination.view.read(host.name, STRAY_SERVICES);
  if (state === undefined) return [];
  const { inventory } = examination.view;
  const others = [
    ...instancesOfOthers(examination.view.read(host.name, RUNNING), inventory.cluster),
    ...unitsOfOthers(examination.view.read(host.name, LEFT_UNITS), inventory.cluster),
  ];
  const known = new Set([...watchedUnits(examination, host), ...others].map(({ unit }) => unit));
  const holders = new Set(unitsWithPorts(host));
  const strays = [...new Set([...state.enabled, ...state.active])].filter(
    (unit) => unit !== UMBRELLA && !known.has(unit) && !unit.endsWith('@'),
  );
  return strays.map((unit) => {
    const active = state.active.includes(unit);
    // A unit that could have the service’s port serves the same data or wants the same port.
    const serious = holders.has(unit) || RIVALS.test(unit);
    return {
      level: serious ? ('danger' as const) : ('notice' as const),
      host: host.name,
      what: `the unit ${unit}, which is none of the cluster’s, ${active ? 'runs' : 'starts at boot'}`,
      evidence: [
        {
          host: host.name,
          source: 'systemctl',
          line: `${unit}.service is ${[...(state.enabled.includes(unit) ? ['enabled'] : []), ...(active ? ['active'] : [])].join(' and ')}`,
        },
      ],
      follows: serious
        ? 'it takes the port or the data of the cluster’s own service when it starts first'
        : 'it takes memory and disk of this host',
      mend: `if nobody needs it: \`systemctl disable --now ${unit}\`, as root on ${host.name}`,
    };
  });
}

const RIVALS = /^(?:patroni\b|postgresql-\d+$)/u;

/** Clusters of postgresql-common that Debian starts at boot, where Patroni is to start PostgreSQL, or another one is. */
function strayClusters({ view }: Examination, host: Host): Finding[] {
  const state = view.read(host.name, STRAY_SERVICES);
  const platform = view.platform(host.name);
  if (state === undefined || platform === undefined || !state.enabled.includes(UMBRELLA)) return [];
  const wanted = host.roles.includes('postgresql') ? dataDirectoryOf(host, platform) : undefined;
  const managed = topologyOf(host) === 'patroni';
  const running = view.read(host.name, RUNNING);
  const real = running?.wantedDirectory;
  const others = instancesOfOthers(running, view.inventory.cluster).map((database) => database.dataDirectory);
  return state.clusters
    .filter(({ dataDirectory }) => !others.includes(dataDirectory))
    .filter(({ dataDirectory }) => managed || (dataDirectory !== wanted && dataDirectory !== real))
    .map(({ name, dataDirectory }) => {
      const same = dataDirectory === wanted || dataDirectory === real;
      return {
        level: managed ? ('danger' as const) : ('notice' as const),
        host: host.name,
        what: `Debian’s cluster ${name} starts at boot beside ${managed ? 'Patroni' : 'the one of the inventory'}`,
        evidence: [{ host: host.name, source: `/etc/postgresql/${name}/start.conf`, line: `auto; data_directory ${dataDirectory}` }],
        follows: same
          ? 'after a reboot it opens the same data as Patroni’s PostgreSQL, outside of the cluster'
          : 'after a reboot it may have the port that the cluster’s own PostgreSQL needs',
        mend: same
          ? `keep it from starting: \`echo disabled >/etc/postgresql/${name}/start.conf\`, as root on ${host.name}`
          : `keep it from starting at boot: \`echo manual >/etc/postgresql/${name}/start.conf\`, as root on ${host.name}; its data stays as it is`,
      };
    });
}
