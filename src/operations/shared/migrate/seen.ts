import {
  DRAFT,
  markOf,
  MIGRATION,
  pgprov,
  PREFIX,
  slotOf,
  type Inventory,
  type Mark,
  type MigratedDatabase,
  type Migrating,
  type MigrationSeen,
  type MigrationSource,
  type MigrationSourceSeen,
  type MigrationTarget,
  type OperationObjection,
  type OperationRun,
  type RoleContext,
  type SourceCluster,
} from '../../../index.js';
import { hostsWith, localServer } from '../../../../roles/shared/layout.js';
import { variables } from '../../../../roles/shared/variables.js';
import { serverRole, writerOf } from '../servers.js';

/** What a migration is given, and has chosen. */
export interface MigrateOptions {
  /** Names of databases, with commas between them. */
  databases?: string;
  /** Clients are moved over. */
  switch?: boolean;
  /** The copies are put aside, and the other cluster is opened again. */
  undo?: boolean;
  /** Chosen before the first step: tells this migration from others; letters and digits. */
  id?: string;
  /** Likewise: the databases. */
  names?: readonly string[];
  /** Likewise, for `--undo`: what follows a database's name under which it is kept. */
  aside?: string;
  /** Likewise: whether clients had been moved over when it was taken back. */
  moved?: boolean;
}

/** What a migration decides from. */
export type MigrateRun = OperationRun<MigrateOptions>;

/** Longest name of anything in PostgreSQL, in bytes. */
const LONGEST = 63;

/** How the servers of the other cluster are reached. */
export function sourceOf({ inventory, credentials }: SourceCluster): MigrationSource {
  const servers = hostsWith(inventory, 'postgresql');
  const [first] = servers;
  if (first === undefined) throw new RangeError(`${inventory.cluster} has no servers`);
  const { superuser, superuser_password, tls, tls_certificate } = variables(first, 'postgresql');
  return {
    servers: servers.map((host) => ({ address: host.clusterAddress, port: variables(host, 'postgresql').port })),
    user: superuser,
    password: credentials.password('postgresql.superuser_password', superuser_password),
    authority: tls && tls_certificate === undefined ? credentials.caCertificate : undefined,
    own: ownRoles(inventory),
  };
}

/** The roles that pgprov makes for a cluster's own work. */
function ownRoles(inventory: Inventory): string[] {
  const named = (role: 'patroni' | 'pgbouncer' | 'replication', key: string): string[] =>
    hostsWith(inventory, role).map((host) => String((variables(host, role) as Record<string, unknown>)[key]));
  return [
    ...new Set([...named('patroni', 'rewind_username'), ...named('pgbouncer', 'auth_username'), ...named('replication', 'username')]),
  ];
}

/** The hosts that can lead here. */
export function members({ inventory }: Pick<MigrateRun, 'inventory'>): string[] {
  return hostsWith(inventory, serverRole(inventory)).map(({ name }) => name);
}

/** What is seen on the host that takes writes; undefined while none does. */
export function seenOf({ view }: Pick<MigrateRun, 'view'>): MigrationSeen | undefined {
  const leader = writerOf(view);
  return leader === undefined ? undefined : view.read(leader, MIGRATION);
}

/** What is seen of both clusters; undefined while one of them does not answer. */
export function both(run: Pick<MigrateRun, 'view'>): { target: MigrationTarget; source: MigrationSourceSeen } | undefined {
  const { target, source } = seenOf(run) ?? {};
  return target === undefined || source === undefined ? undefined : { target, source };
}

/** With what it is done on a host. */
export function migrating(run: MigrateRun, { host, platform }: Pick<RoleContext, 'host' | 'platform'>): Migrating {
  const { source, options } = run;
  return { server: localServer(host, platform), source: sourceOf(given(source)), name: nameOf(options) };
}

/** The name of the publications and subscriptions. */
export function nameOf({ id = '' }: MigrateOptions): string {
  return `${PREFIX}${id}`;
}

/** The databases here that this migration has brought. */
export function broughtHere(run: MigrateRun): (MigratedDatabase & { noted: Mark })[] {
  const { target } = seenOf(run) ?? {};
  return (target?.databases ?? []).flatMap((database) => {
    const noted = markOf(database);
    return noted !== undefined && noted.id === run.options.id ? [{ ...database, noted }] : [];
  });
}

/** Databases that are being made here. */
export function drafts(run: MigrateRun): string[] {
  return (seenOf(run)?.target?.databases ?? []).map(({ datname }) => datname).filter((name) => name.startsWith(DRAFT));
}

/** The databases there that are brought. */
export function wanted(run: MigrateRun): MigratedDatabase[] {
  const { names = [] } = run.options;
  return (seenOf(run)?.source?.databases ?? []).filter(({ datname }) => names.includes(datname));
}

/** Clients were moved over. */
export function isMoved(run: MigrateRun): boolean {
  const { names = [] } = run.options;
  const here = broughtHere(run);
  return names.length > 0 && names.every((name) => here.some(({ datname, noted }) => datname === name && noted.moved));
}

/** What is noted of a database that clients were moved away from: of which migration, and its limit of connections from before. */
const CLOSED = /^(\S+) closed (-?\d+)$/u;

/** A migration has closed a database there; one that was brought there by a migration before is not. */
export function isClosed({ mark }: Pick<MigratedDatabase, 'mark'>): boolean {
  return CLOSED.test(mark ?? '');
}

/** The limit of connections that a database there had before it was closed, and whether it is. */
export function limitOf(
  { options }: Pick<MigrateRun, 'options'>,
  { mark, datconnlimit }: MigratedDatabase,
): { closed: boolean; limit: number } {
  const [, id, limit] = CLOSED.exec(mark ?? '') ?? [];
  return id === undefined || id !== options.id ? { closed: false, limit: datconnlimit } : { closed: true, limit: Number(limit) };
}

/** With the slot that a database's changes come through. */
export function withSlots(run: MigrateRun): { datname: string; slot: string }[] {
  return wanted(run).map((database) => ({ datname: database.datname, slot: slotOf(nameOf(run.options), database) }));
}

/** Something of it is left in the way of its data: subscriptions here, slots or publications there. */
export function isSubscribed(run: MigrateRun): boolean {
  const { target, source } = seenOf(run) ?? {};
  const name = nameOf(run.options);
  return (
    (target?.subscriptions ?? []).some((each) => each.name === name) ||
    (source?.slots ?? []).some((slot) => slot.name.startsWith(`${name}_`)) ||
    Object.values(source?.contents ?? {}).some(({ publications }) => publications.includes(name))
  );
}

/** Members that have what lets them reach the other cluster. */
export function having({ view, ...run }: MigrateRun): string[] {
  return members(run).filter((host) => view.read(host, MIGRATION)?.access === true);
}

/** The name under which a database is kept. */
export function asideName(database: string, aside: string): string {
  const room = LONGEST - Buffer.byteLength(aside);
  let name = database;
  while (Buffer.byteLength(name) > room) name = [...name].slice(0, -1).join('');
  return `${name}${aside}`;
}

/** The timelines here that databases were copied on, and that have ended since, so that another server goes on: the databases with what is noted of them. */
export function behindHere(run: MigrateRun): (MigratedDatabase & { noted: Mark })[] {
  const { target } = seenOf(run) ?? {};
  return broughtHere(run).filter(
    ({ noted: { moved, timelines } }) => !moved && timelines !== undefined && target !== undefined && timelines.here !== target.timeline,
  );
}

/** What is decided before the first step: what was begun goes on, and is known by what is noted of the databases here. */
export function chosenOf(run: MigrateRun): MigrateOptions {
  const { options } = run;
  const { target, source } = seenOf(run) ?? {};
  const now = new Date().toISOString().replaceAll(/[-:]|\.\d+/gu, '');
  const begun = (target?.databases ?? []).flatMap((database) => {
    const mark = markOf(database);
    return mark !== undefined && (source === undefined || mark.identifier === source.identifier)
      ? [{ ...mark, name: database.datname }]
      : [];
  });
  const [first] = begun;
  const aside = options.undo === true ? { aside: `.aside-${now}` } : {};
  if (first !== undefined) {
    const own = begun.filter(({ id }) => id === first.id);
    const moved = own.every((each) => each.moved);
    // What is given besides is brought as well, as long as no clients were moved.
    const more = moved || options.undo === true || options.switch === true ? [] : (namesGiven(options) ?? []);
    const names = [...new Set([...own.map(({ name }) => name), ...more])];
    return { ...options, ...aside, id: first.id, names, moved };
  }
  if (options.undo === true || options.switch === true) return { ...options, ...aside, names: [] };
  return {
    ...options,
    id: now.toLowerCase(),
    names: namesGiven(options) ?? (source?.databases ?? []).map(({ datname }) => datname).filter((name) => name !== 'postgres'),
  };
}

/** The databases that were given. */
export function namesGiven({ databases }: MigrateOptions): string[] | undefined {
  return databases
    ?.split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

/** The other cluster, which the command line insists on. */
export function given(source: SourceCluster | undefined): SourceCluster {
  if (source === undefined) throw new RangeError('a migration has a source');
  return source;
}

/** The command that takes it back. */
export function undoCommand({ source, inventory }: Pick<MigrateRun, 'source' | 'inventory'>): string {
  const { inventory: from } = given(source);
  return pgprov`migrate ${from} --into ${inventory} --undo`;
}

/** What speaks against it, with what to do. */
export function refuse(message: string, hint: string): OperationObjection {
  return { kind: 'refuse', message, hint };
}

/** The superuser of the cluster that has the databases. */
export function superuserOf(from: Inventory): string {
  const [server] = hostsWith(from, 'postgresql');
  return server === undefined ? 'postgres' : variables(server, 'postgresql').superuser;
}
