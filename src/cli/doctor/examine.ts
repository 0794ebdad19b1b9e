import { DIAGNOSES } from '../../diagnoses/index.js';
import type { RunOutcome } from '../../engine/run.js';
import { topologyOf, type Inventory } from '../../model/index.js';
import type { Diagnosis, Examination } from '../../plan/diagnosis.js';
import type { Role, RoleContext } from '../../plan/role.js';
import { logPlaceOf } from '../../plan/log-place.js';
import { View } from '../../plan/view.js';
import { CLOCK_OFFSET } from '../../resources/host-facts.js';
import { RECENT_FILES, RECENT_LOG, recentFiles, recentLog, type LoggedLine } from '../../resources/recent-log.js';
import type { Observation } from '../../resources/resource.js';
import { SERVICE } from '../../resources/service.js';

/** The diagnoses that concern a cluster: those that come with pgprov, then those of the roles. */
export function diagnosesFor({ hosts }: Inventory, catalog: readonly Role[]): readonly Diagnosis[] {
  const used = catalog.filter(({ name }) => hosts.some(({ roles }) => roles.includes(name)));
  const own = used.flatMap(({ name, diagnoses = [] }) => diagnoses.map((diagnosis) => ({ role: name, ...diagnosis })));
  const topologies = new Set(hosts.map(topologyOf));
  return [...DIAGNOSES, ...own].filter(
    ({ role, topology }) =>
      (role === undefined || used.some(({ name }) => name === role)) && (topology === undefined || topologies.has(topology)),
  );
}

/**
 * What a host is asked besides what its roles ask: its logs, and what the diagnoses want.
 * @param since milliseconds since 1970
 */
export function gather(context: RoleContext, catalog: readonly Role[], diagnoses: readonly Diagnosis[], since: number): Observation[] {
  const { roles } = context.host;
  const own = catalog.filter(({ name }) => roles.includes(name));
  const ids = own.flatMap((role) => role.stages(context).flatMap(({ resources }) => resources.map(({ id }) => id)));
  const units = [...new Set(ids.filter((id) => id.startsWith(SERVICE)).map((id) => id.slice(SERVICE.length)))];
  const concerned = diagnoses.filter(({ role }) => role === undefined || roles.includes(role));
  const files = roles.includes('postgresql') ? [recentFiles({ place: logPlaceOf(context), since: since / 1000 })] : [];
  return [recentLog({ units, since: since / 1000 }), ...files, ...concerned.flatMap((diagnosis) => diagnosis.asks?.(context) ?? [])];
}

/** What was gathered. */
export function examinationOf(
  inventory: Inventory,
  { view, errors }: Pick<RunOutcome, 'view' | 'errors'>,
  { now, gone }: Pick<Examination, 'now' | 'gone'>,
): Examination {
  const seen = view ?? new View(inventory, new Map());
  const unseen = inventory.hosts.flatMap(({ name }) => {
    const error = errors.find(({ host }) => host === name);
    return error === undefined ? [] : [[name, error.message] as const];
  });
  const logs = new Map<string, readonly LoggedLine[]>();
  return {
    view: seen,
    now,
    gone,
    unseen: new Map(unseen),
    log: (host, ...units) => {
      const lines = logs.get(host) ?? linesOf(seen, host);
      logs.set(host, lines);
      return units.length === 0 ? lines : lines.filter(({ unit }) => units.includes(unit));
    },
  };
}

/** A host's lines by the clock of this machine. */
function linesOf(view: View, host: string): LoggedLine[] {
  const { least = 0, most = 0 } = view.read(host, CLOCK_OFFSET) ?? {};
  const ahead = least <= 0 && most >= 0 ? 0 : Math.round((least + most) / 2);
  const lines = [...(view.read(host, RECENT_LOG) ?? []), ...(view.read(host, RECENT_FILES) ?? [])];
  return lines.map((line) => ({ ...line, host, at: line.at - ahead })).sort((a, b) => a.at - b.at);
}
