import { pgprov, type Host, type Inventory, type OperationObjection, type OperationStart } from '../../../index.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { variables } from '../../../../roles/shared/variables.js';
import { hasPatroni, serverRole } from '../servers.js';
import type { MigrateOptions } from './seen.js';

type Start = OperationStart<MigrateOptions>;

const OLDEST = 14;

function wrong(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'input', error: 'migrate/options', message, hint }];
}

/** What is wrong with two inventories, and with what was given. */
export function migrateProblems({ inventory: into, options, source }: Start): OperationObjection[] {
  if (source === undefined) return wrong('what is to be brought?', 'name the inventory of the cluster that has the databases');
  const from = source.inventory;
  if (options.switch === true && options.undo === true)
    return wrong('--switch and --undo are given, and only one of them can be done', 'leave out one');
  const twin = into.hosts.find(({ clusterAddress }) => from.hosts.some((host) => host.clusterAddress === clusterAddress));
  if (into.cluster === from.cluster)
    return wrong(`both inventories are of a cluster ${from.cluster}`, 'databases are brought to a cluster of another name');
  if (twin !== undefined)
    return wrong(
      `${twin.name} of ${into.cluster} has the address of a host of ${from.cluster}`,
      'databases are brought to hosts of their own',
    );
  const [here] = hostsWith(into, serverRole(into));
  const [there] = hostsWith(from, 'postgresql');
  if (here === undefined) return wrong(`${into.cluster} has no database servers`, 'give its hosts the role postgresql');
  if (there === undefined) return wrong(`${from.cluster} has no database servers`, 'give its hosts the role postgresql');
  return [...versions(into, from, [here, there]), ...credentials(source), ...slotsKept(from)].slice(0, 1);
}

function versions(into: Inventory, from: Inventory, [here, there]: [Host, Host]): OperationObjection[] {
  const [own, theirs] = [variables(here, 'postgresql'), variables(there, 'postgresql')];
  if (theirs.version < OLDEST)
    return wrong(
      `${from.cluster} has PostgreSQL ${theirs.version}`,
      `databases are brought from PostgreSQL ${OLDEST} on; an earlier one takes a dump and a restore by hand`,
    );
  if (own.version >= theirs.version) return [];
  return wrong(
    `${from.cluster} has PostgreSQL ${theirs.version}, and ${into.cluster} has ${own.version}`,
    `definitions are brought to the same or a later version: give ${into.cluster} postgresql.version ${theirs.version}`,
  );
}

/** Without Patroni the superuser has no password of its own: its owner logs in by the socket. */
function credentials({ inventory: from, credentials: kept }: NonNullable<Start['source']>): OperationObjection[] {
  const path = 'postgresql.superuser_password';
  const [there] = hostsWith(from, 'postgresql');
  kept.password(path, there === undefined ? undefined : variables(there, 'postgresql').superuser_password);
  if (!kept.generated.includes(path)) return [];
  if (hasPatroni(from))
    return wrong(
      `this machine does not know the superuser’s password of ${from.cluster}`,
      `bring .pgprov/${from.cluster} here, beside ${from.file}, or give ${path}`,
    );
  return wrong(
    `without Patroni the superuser of ${from.cluster} logs in by the socket alone, and this machine knows no password of it`,
    `set one with \\password in psql there, and give it as ${path} in ${from.file}`,
  );
}

/** Patroni drops slots that it does not know as soon as nobody uses them. */
function slotsKept(from: Inventory): OperationObjection[] {
  const [member] = hostsWith(from, 'patroni');
  if (member === undefined) return [];
  const ignored = (variables(member, 'patroni').dynamic as { ignore_slots?: unknown }).ignore_slots;
  const isKept =
    Array.isArray(ignored) &&
    ignored.some(
      (each: Record<string, unknown>) =>
        each['name'] === undefined &&
        each['database'] === undefined &&
        [undefined, 'logical'].includes(each['type'] as undefined) &&
        [undefined, 'pgoutput'].includes(each['plugin'] as undefined),
    );
  if (isKept) return [];
  return wrong(
    `Patroni of ${from.cluster} would drop the slots that the copies come through, as soon as one is not used for a moment`,
    `give \`ignore_slots: [{type: logical, plugin: pgoutput}]\` in patroni.dynamic of ${from.file}, and ${pgprov`apply ${from}`}`,
  );
}
