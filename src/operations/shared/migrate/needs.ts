import { enumerate, formatBytes, markOf, pgprov, type OperationObjection } from '../../../index.js';
import { both, broughtHere, isClosed, nameOf, namesGiven, refuse, superuserOf, wanted, type MigrateRun } from './seen.js';

/** What must be so before anything is brought; asked until every database is here. */
export function beginning(run: MigrateRun): OperationObjection[] {
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
    (database) => names.includes(database.datname) && isClosed(database) && markOf(database)?.id !== run.options.id,
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
