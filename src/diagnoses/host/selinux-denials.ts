import { dirname } from 'node:path/posix';
import {
  dataDirectoryOf,
  defineDiagnosis,
  pgprov,
  SELINUX_DENIALS,
  selinuxDenials,
  topologyOf,
  type Examination,
  type Host,
  type LoggedLine,
  type View,
} from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { restartCommand } from '../../../roles/shared/restart-command.js';
import { variablesIfAny } from '../../../roles/shared/variables.js';
import { serviceLayouts } from '../shared/layouts.js';
import { serves } from '../shared/leading.js';
import { asEvidence, workedLast } from '../shared/lines.js';
import { runs, stateSince, unitsWithPorts, watchedUnits } from '../shared/units.js';

/** Milliseconds before a service went down in which a denial is counted among what stopped it. */
const AROUND = 60_000;

/** How far back a denial counts where nothing tells since when its service is down, in milliseconds. */
const DAY = 86_400_000;

/** What programs of PostgreSQL and of Patroni are called in the audit log. */
const POSTGRESQL = ['postgres', 'postmaster', 'patroni'];

/** SELinux keeps a service of the cluster from something, and a service is down. */
export default defineDiagnosis({
  name: 'selinux-denials',
  looksAt: 'what SELinux forbids',
  asks: ({ platform }) => (platform.family === 'el' ? [selinuxDenials()] : []),
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) => {
      const lines = (examination.view.read(host.name, SELINUX_DENIALS) ?? []).map((line) => ({ ...line, host: host.name }));
      // What SELinux forbids to services that work they can do without.
      const down = downOn(examination, host)
        .map((service) => ({ ...service, denied: lines.filter((line) => isOf(service, line)) }))
        .filter(({ denied }) => denied.length > 0);
      const denied = lines.filter((line) => down.some((service) => service.denied.includes(line)));
      const [first] = denied;
      if (first === undefined) return [];
      return [
        {
          level: 'broken' as const,
          host: host.name,
          what: `SELinux forbids ${/comm="([^"]*)"/u.exec(first.text)?.[1] ?? 'a service'} what it needs`,
          since: first.at,
          evidence: denied.slice(-3).map(asEvidence),
          follows: 'the service does not start, or ends, with “Permission denied” where the permissions of files are right',
          mend: mendOf(examination, host, new Set(down.map(({ unit }) => unit)), denied),
          explains: ['unit-failed', 'unit-restarts', 'start-failed', 'member-down', 'store-member-down', 'consul-server-down'],
        },
      ];
    }),
});

/** A service that is down: its unit, what its programs are called, and from when on a denial may have stopped it. */
interface Down {
  unit: string;
  programs: readonly string[];
  from: number;
}

/** Below Patroni PostgreSQL has no unit of its own: Patroni goes on while it does not start. */
function downOn(examination: Examination, host: Host): Down[] {
  const { now, view } = examination;
  const units = watchedUnits(examination, host)
    .filter((watched) => !runs(watched))
    .map((watched): Down => {
      const { unit } = watched;
      const from = (stateSince(examination, watched) ?? now - DAY) - AROUND;
      return { unit, programs: unit.startsWith('postgresql') ? POSTGRESQL : [unit], from };
    });
  const unit = view.platform(host.name)?.patroni.unit;
  if (unit === undefined || !host.roles.includes('postgresql') || topologyOf(host) !== 'patroni' || serves(examination, host.name))
    return units;
  return [...units, { unit, programs: POSTGRESQL, from: (workedLast(examination, host.name) ?? now - DAY) - AROUND }];
}

function isOf({ programs, from }: Down, { at, text }: LoggedLine): boolean {
  return at > from && programs.some((program) => text.includes(`comm="${program}`) || text.includes(`${program}_`));
}

/** A port gets PostgreSQL's label by apply; files get back the labels that the policy, and apply before, have for them. */
function mendOf({ view }: Examination, host: Host, units: ReadonlySet<string>, denied: readonly LoggedLine[]): string {
  const port = denied.map(({ text }) => /\{ name_bind \}.* src=(\d+)/u.exec(text)?.[1]).find((number) => number === String(portOf(host)));
  if (port !== undefined) return `${pgprov`apply ${view.inventory}`} labels port ${port} as PostgreSQL’s`;
  const relabel = `restorecon -Rv ${placesOn(view, host).join(' ')}`;
  return `give its files the labels that the policy has for them: \`${relabel} && { ${restartCommand(...units)}; }\`, as root on ${host.name}; \`ausearch -m avc -ts recent\` shows what is still forbidden`;
}

function portOf(host: Host): number | undefined {
  return variablesIfAny(host, 'postgresql')?.port;
}

/** Where the services of a host have their files, without what is below another one. */
function placesOn(view: View, host: Host): string[] {
  const platform = view.platform(host.name);
  if (platform === undefined) return [];
  const store = dcsOf(view.inventory);
  const version = variablesIfAny(host, 'postgresql')?.version;
  const own = serviceLayouts(platform).filter(({ unit }) => unitsWithPorts(host).includes(unit));
  const places = [
    ...(version === undefined ? [] : [platform.postgresql(version).home, dataDirectoryOf(host, platform)]),
    ...(topologyOf(host) === 'patroni' ? [dirname(platform.patroni.configFile)] : []),
    ...own.map(({ tlsDirectory }) => tlsDirectory),
    ...(host.roles.includes(store.role) ? [store.dataRoot(host, platform)] : []),
    '/var/lib/pgprov',
  ];
  return places.filter((path) => !places.some((above) => path.startsWith(`${above}/`)));
}
