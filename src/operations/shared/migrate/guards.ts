import { enumerate, formatBytes, pgprov, type Host, type Inventory, type OperationObjection, type OperationStart } from '../../../index.js';
import { hbaAddress } from '../../../../roles/shared/hba-words.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { variables } from '../../../../roles/shared/variables.js';
import { untilLed } from '../passing.js';
import { hasPatroni, serverRole, writerOf } from '../servers.js';
import {
  both,
  broughtHere,
  isMoved,
  isSubscribed,
  having,
  markOf,
  nameOf,
  namesGiven,
  seenOf,
  undoCommand,
  wanted,
  type MigrateOptions,
  type MigrateRun,
} from './seen.js';

type Start = OperationStart<MigrateOptions>;

const OLDEST = 14;

function refuse(message: string, hint: string): OperationObjection {
  return { kind: 'refuse', message, hint };
}

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

/** Why a migration must not begin, or go on; asked before every step. */
export function migrateObjections(run: MigrateRun): OperationObjection[] {
  const { view, inventory, options } = run;
  const seen = seenOf(run);
  const status = `${pgprov`status ${inventory}`} shows the cluster; bring it in order first`;
  if (writerOf(view) === undefined) return untilLed(view, [refuse(`${inventory.cluster} has no server that takes writes`, status)]);
  if (seen?.target === undefined)
    return [{ ...refuse(`the server of ${inventory.cluster} that takes writes does not answer`, status), settles: true }];
  const isOver = isMoved(run) && !isSubscribed(run) && having(run).length === 0;
  if (seen.source === undefined) return isOver && options.undo !== true ? [] : unreached(run, seen.why);
  if (options.undo === true) return [];
  if (options.switch === true && (options.names ?? []).length === 0)
    return [
      {
        kind: 'input',
        error: 'migrate/options',
        message: `no databases of ${run.source?.inventory.cluster ?? ''} were brought to ${inventory.cluster}`,
        hint: 'leave out --switch: copies come first',
      },
    ];
  if (isMoved(run)) return [];
  return [...beginning(run), ...lost(run), ...changed(run), ...switching(run)];
}

/** Which of the ways in is shut, by libpq's words. */
function unreached({ source, inventory }: MigrateRun, why: string): OperationObjection[] {
  const from = source?.inventory;
  if (from === undefined) return [];
  const lines = hostsWith(inventory, serverRole(inventory)).map(
    (host) => `host all ${superuserOf(from)} ${hbaAddress(host.clusterAddress)} scram-sha-256`,
  );
  const says = (what: string, hint: string): OperationObjection[] => [
    { kind: 'refuse', message: `${what}: ${why}`, hint: `nothing was changed by this command; ${hint}` },
  ];
  const apply = pgprov`apply ${from}`;
  if (/no pg_hba\.conf entry|pg_hba\.conf rejects/u.test(why))
    return says(
      `pg_hba.conf of ${from.cluster} does not let ${inventory.cluster} in`,
      `give ${lines.map((line) => `\`${line}\``).join(', ')} in postgresql.hba of ${from.file}, and ${apply}`,
    );
  if (/password authentication failed|no password supplied/u.test(why))
    return says(
      `${from.cluster} does not take the superuser’s password that this machine has`,
      `bring .pgprov/${from.cluster} here as it is where ${from.cluster} is managed`,
    );
  if (/certificate|SSL error/u.test(why))
    return says(
      `the certificate of ${from.cluster} is not that of the authority in .pgprov/${from.cluster}`,
      `bring .pgprov/${from.cluster} here as it is where ${from.cluster} is managed`,
    );
  if (/timeout expired|timed out|No route to host|Network is unreachable/u.test(why))
    return says(
      `nothing answers where ${from.cluster} listens, as behind a firewall that filters`,
      `let the hosts of ${inventory.cluster} through: with the role firewall give their addresses in firewall.client_networks of ${from.file}, and ${apply}`,
    );
  if (/Connection refused/u.test(why))
    return says(
      `no server of ${from.cluster} takes connections from ${inventory.cluster}`,
      `${pgprov`status ${from}`} says whether they run, and postgresql.listen_addresses where they listen`,
    );
  return says(`${from.cluster} cannot be asked from ${inventory.cluster}`, `${pgprov`status ${from}`} shows it`);
}

function superuserOf(from: Inventory): string {
  const [server] = hostsWith(from, 'postgresql');
  return server === undefined ? 'postgres' : variables(server, 'postgresql').superuser;
}

/** What must be so before anything is brought; asked until every database is here. */
function beginning(run: MigrateRun): OperationObjection[] {
  const seen = both(run);
  const { names = [] } = run.options;
  const here = broughtHere(run).map(({ datname }) => datname);
  if (seen === undefined || (names.length > 0 && names.every((name) => here.includes(name)))) return [];
  return [...named(run), ...abilities(run), ...places(run), ...contents(run)];
}

function named(run: MigrateRun): OperationObjection[] {
  const { target, source } = both(run) ?? {};
  const { names = [] } = run.options;
  if (target === undefined || source === undefined) return [];
  const cluster = run.source?.inventory.cluster ?? '';
  const there = source.databases.map(({ datname }) => datname);
  const unknown = names.filter((name) => !there.includes(name));
  const here = broughtHere(run).map(({ datname }) => datname);
  const taken = target.databases.filter(({ datname }) => names.includes(datname) && !here.includes(datname)).map(({ datname }) => datname);
  const relations = source.contents['postgres']?.relations ?? 0;
  const others = source.databases.filter(
    (database) => names.includes(database.datname) && database.mark !== null && markOf(database)?.id !== run.options.id,
  );
  return [
    ...(names.length === 0 ? [refuse(`${cluster} has no databases besides postgres`, 'there is nothing to bring')] : []),
    ...(names.includes('postgres')
      ? [
          refuse(
            'the database postgres is in every cluster, and is not brought',
            'leave it out; move what it has into a database of its own first',
          ),
        ]
      : []),
    ...(unknown.length > 0 ? [refuse(`${cluster} has no database ${enumerate(unknown)}`, `it has ${enumerate(there)}`)] : []),
    ...(taken.length > 0
      ? [
          refuse(
            `${run.inventory.cluster} has ${taken.length === 1 ? 'a database' : 'databases'} ${enumerate(taken)} already, which this migration did not bring`,
            'nothing was changed; rename or drop what is there, or take those of the inventory out of it',
          ),
        ]
      : []),
    ...(others.length > 0
      ? [
          refuse(
            `${enumerate(others.map(({ datname }) => datname))} of ${cluster} ${others.length === 1 ? 'is' : 'are'} closed by another migration`,
            'take that back first, with its --undo',
          ),
        ]
      : []),
    ...(relations > 0 && namesGiven(run.options) === undefined
      ? [
          refuse(
            `the database postgres of ${cluster} has ${relations} ${relations === 1 ? 'relation' : 'relations'} of users, and that database is not brought`,
            `name what is to be brought, which leaves these there: --databases ${names.join(',')}`,
          ),
        ]
      : []),
  ];
}

/** What the servers must be able to. */
function abilities(run: MigrateRun): OperationObjection[] {
  const { target, source } = both(run) ?? {};
  const from = run.source?.inventory;
  if (target === undefined || source === undefined || from === undefined) return [];
  const missing = wanted(run).filter(
    ({ datname }) => !target.subscriptions.some((each) => each.database === datname && each.name === nameOf(run.options)),
  ).length;
  const restart = pgprov`restart ${from} --pending`;
  const workers = missing + 2;
  const needed = source.needed.filter((name) => target.roles[name] === undefined);
  return [
    ...(source.superuser ? [] : [refuse(`${superuserOf(from)} is no superuser of ${from.cluster}`, 'publications of all tables take one')]),
    ...(source.version > target.version
      ? [
          refuse(
            `${from.cluster} runs PostgreSQL ${source.version}, and ${run.inventory.cluster} runs ${target.version}`,
            'definitions are brought to the same or a later version',
          ),
        ]
      : []),
    ...(source.identifier === target.identifier
      ? [
          refuse(
            'both are one cluster, or one is a copy of the other, by their system identifier',
            'bring databases to a cluster that was made anew',
          ),
        ]
      : []),
    ...(source.owner === target.owner
      ? []
      : [
          refuse(
            `the superuser that ${from.cluster} was made with is ${source.owner}, and that of ${run.inventory.cluster} is ${target.owner}`,
            `what it owns must have an owner here: give ${run.inventory.cluster} postgresql.superuser ${source.owner}`,
          ),
        ]),
    ...(needed.length > 0
      ? [
          refuse(
            `${enumerate(needed)} ${needed.length === 1 ? 'owns' : 'own'} something in databases of ${from.cluster}, or may use it, and ${needed.length === 1 ? 'is a role' : 'are roles'} of that cluster’s own work or a superuser, which pgprov does not bring`,
            `make ${needed.length === 1 ? 'it' : 'them'} in ${run.inventory.cluster} first`,
          ),
        ]
      : []),
    ...(source.walLevel === 'logical'
      ? []
      : [
          refuse(
            `wal_level of ${from.cluster} is ${source.walLevel}, and changes of rows are told only with logical`,
            `give \`wal_level: logical\` in postgresql.parameters of ${from.file}, ${pgprov`apply ${from}`} and ${restart}`,
          ),
        ]),
    // While tables are copied each has a slot more.
    ...(source.slotsFree < missing + 2
      ? [
          refuse(
            `${from.cluster} has ${source.slotsFree} free replication slots, and ${missing + 2} are needed`,
            `give a larger max_replication_slots in postgresql.parameters of ${from.file}, ${pgprov`apply ${from}`} and ${restart}`,
          ),
        ]
      : []),
    ...(source.sendersFree < missing + 2
      ? [
          refuse(
            `${from.cluster} has ${source.sendersFree} free WAL senders, and ${missing + 2} are needed`,
            `give a larger max_wal_senders in postgresql.parameters of ${from.file}, ${pgprov`apply ${from}`} and ${restart}`,
          ),
        ]
      : []),
    ...(target.logicalWorkers < workers || target.workers < workers + 1
      ? [
          refuse(
            `${run.inventory.cluster} has max_logical_replication_workers ${target.logicalWorkers} and max_worker_processes ${target.workers}, and at least ${workers} and ${workers + 1} are needed`,
            `give them in postgresql.parameters of ${run.inventory.file}, ${pgprov`apply ${run.inventory}`} and ${pgprov`restart ${run.inventory} --pending`}`,
          ),
        ]
      : []),
    ...(target.origins < workers
      ? [
          refuse(
            `${run.inventory.cluster} can follow ${target.origins} others at most, and ${workers} are needed`,
            `give a larger max_replication_slots in postgresql.parameters of ${run.inventory.file}, ${pgprov`apply ${run.inventory}`} and ${pgprov`restart ${run.inventory} --pending`}`,
          ),
        ]
      : []),
  ];
}

/** Locales as `locale -a` has them: `de_DE.utf8` for de_DE.UTF-8. */
function plain(locale: string): string {
  const [name = '', encoding] = locale.split('.');
  return encoding === undefined ? name : `${name}.${encoding.toLowerCase().replaceAll('-', '')}`;
}

function places(run: MigrateRun): OperationObjection[] {
  const { target } = both(run) ?? {};
  if (target === undefined) return [];
  const known = ['C', 'POSIX', 'C.utf8', ...target.locales.map(plain)];
  const locales = [...new Set(wanted(run).flatMap(({ datcollate, datctype }) => [datcollate, datctype]))].filter(
    (locale) => !known.includes(plain(locale)),
  );
  const coming = wanted(run).filter(({ datname }) => !broughtHere(run).some((each) => each.datname === datname));
  const bytes = coming.reduce((sum, database) => sum + database.bytes, 0);
  return [
    ...(target.locales.length > 0 && locales.length > 0
      ? [
          refuse(
            `databases have the ${locales.length === 1 ? 'locale' : 'locales'} ${enumerate(locales)}, which ${run.inventory.cluster} does not have`,
            'install it on all its hosts',
          ),
        ]
      : []),
    ...(target.free < bytes * 1.2
      ? [
          refuse(
            `${formatBytes(bytes)} are to come to ${run.inventory.cluster}, and ${formatBytes(target.free)} are free there`,
            'make room for them, and for WAL',
          ),
        ]
      : []),
  ];
}

/** What of a database cannot be brought. */
function contents(run: MigrateRun): OperationObjection[] {
  const { target, source } = both(run) ?? {};
  if (target === undefined || source === undefined) return [];
  return wanted(run).flatMap(({ datname }) => {
    const found = source.contents[datname];
    if (found === undefined) return [refuse(`the database ${datname} does not answer`, 'run this again when it does')];
    const missing = found.extensions.filter((name) => !target.extensions.includes(name));
    return [
      ...(found.unidentified.length > 0
        ? [
            refuse(
              `${enumerate(found.unidentified)} of ${datname} ${found.unidentified.length === 1 ? 'has' : 'have'} no replica identity: changes of rows there would be refused once the tables are published`,
              `give ${found.unidentified.length === 1 ? 'it a primary key' : 'each a primary key'}, or ALTER TABLE … REPLICA IDENTITY FULL`,
            ),
          ]
        : []),
      ...(found.firing.length > 0
        ? [
            refuse(
              `${datname} has ${found.firing.length === 1 ? 'a trigger that fires' : 'triggers that fire'} for replicated rows as well, so what ${found.firing.length === 1 ? 'it writes' : 'they write'} would come twice: ${enumerate(found.firing)}`,
              'ALTER TABLE … ENABLE TRIGGER there, and ENABLE ALWAYS again when clients are moved over',
            ),
          ]
        : []),
      ...(found.largeObjects > 0
        ? [
            refuse(
              `${datname} has ${found.largeObjects} large ${found.largeObjects === 1 ? 'object' : 'objects'}, which logical replication does not bring`,
              'move them into columns of bytea; an upgrade by pg_upgrade brings them',
            ),
          ]
        : []),
      ...(missing.length > 0
        ? [
            refuse(
              `${datname} has the ${missing.length === 1 ? 'extension' : 'extensions'} ${enumerate(missing)}, which ${run.inventory.cluster} does not have`,
              `install ${missing.length === 1 ? 'it' : 'them'} on all its hosts, or drop ${missing.length === 1 ? 'it' : 'them'} there`,
            ),
          ]
        : []),
    ];
  });
}

/** What has come between a copy and what it follows. */
function lost(run: MigrateRun): OperationObjection[] {
  const { target, source } = both(run) ?? {};
  if (target === undefined || source === undefined) return [];
  const name = nameOf(run.options);
  return target.subscriptions.flatMap((subscription) => {
    if (subscription.name !== name) return [];
    const slot = source.slots.find((each) => each.name === subscription.slot);
    const again = `${undoCommand(run)} puts the copies aside; then begin anew`;
    if (slot === undefined || slot.lost)
      return [
        refuse(
          `the slot of ${subscription.database} is gone, as after a failover of ${run.source?.inventory.cluster ?? ''}, so what was written since does not arrive`,
          again,
        ),
      ];
    return subscription.enabled
      ? []
      : [
          refuse(
            `the subscription of ${subscription.database} is disabled`,
            `ALTER SUBSCRIPTION ${name} ENABLE in that database, once its cause is mended`,
          ),
        ];
  });
}

/** Definitions are not replicated, so what was changed there since is not here. */
function changed(run: MigrateRun): OperationObjection[] {
  const { options } = run;
  const { target } = seenOf(run) ?? {};
  if (options.switch !== true || target === undefined) return [];
  return (options.names ?? []).flatMap((name) => {
    const { differs = [], unfollowed = [] } = target.contents[name] ?? {};
    if (differs.length === 0 && unfollowed.length > 0)
      return [
        refuse(
          `rows of ${enumerate(unfollowed)} of ${name} do not arrive: ${unfollowed.length === 1 ? 'it was' : 'they were'} made since the copy began`,
          `ALTER SUBSCRIPTION ${nameOf(options)} REFRESH PUBLICATION in ${name} of ${run.inventory.cluster}, as a superuser`,
        ),
      ];
    if (differs.length === 0) return [];
    return [
      refuse(
        `definitions of ${name} differ, < there and > here:\n  ${differs.join('\n  ')}`,
        `definitions are not replicated: make the same change in ${run.inventory.cluster}, as a superuser; rows of a new table come after ALTER SUBSCRIPTION ${nameOf(options)} REFRESH PUBLICATION there`,
      ),
    ];
  });
}

/** What would keep writes from ending. */
function switching(run: MigrateRun): OperationObjection[] {
  const { options } = run;
  const { source } = both(run) ?? {};
  const { names = [] } = options;
  if (options.switch !== true || source === undefined) return [];
  const sessions = source.sessions.filter(({ database }) => database !== null && names.includes(database));
  const prepared = source.prepared.filter(({ database }) => names.includes(database));
  return [
    ...(sessions.length > 0
      ? [
          refuse(
            `superusers are connected to databases that are to be closed: ${enumerate(sessions.map(({ user, database, application, pid }) => `${user} to ${database ?? ''} (${application === '' ? 'no application' : application}, process ${pid})`))}`,
            'a superuser gets into a closed database and may write there; end these sessions first',
          ),
        ]
      : []),
    ...(prepared.length > 0
      ? [
          refuse(
            `transactions are prepared and not ended: ${enumerate(prepared.map(({ name, database }) => `${name} in ${database}`))}`,
            'COMMIT PREPARED or ROLLBACK PREPARED them first',
          ),
        ]
      : []),
  ];
}
