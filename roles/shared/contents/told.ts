import {
  databaseHandle,
  pgprov,
  topologyOf,
  waitingExtensions,
  type CheckResult,
  type DatabaseState,
  type Drift,
  type Host,
  type View,
} from '../../../src/index.js';
import { wantedDatabases } from './wanted.js';

type Found = Extract<DatabaseState, { server: 'primary' }>;

/** What no run changes about databases: how they were made, and where an extension is. */
export function contentsDrift(view: View, host: Host): Drift[] {
  return eachDatabase(view, host).flatMap(({ wanted, state }) => {
    const { name } = wanted;
    const kept = 'it is fixed when a database is made: say what it is in the inventory, or move what is in it into another database';
    const drift = (what: string, mend: string): Drift => ({ host: host.name, what: `database ${name}: ${what}`, mend });
    const { database, contents } = state;
    return [
      ...(database === undefined || wanted.encoding === undefined || spelled(database.encoding) === spelled(wanted.encoding)
        ? []
        : [drift(`the encoding is ${database.encoding}, the inventory says ${wanted.encoding}`, kept)]),
      ...(database === undefined || wanted.locale === undefined || spelled(database.collate) === spelled(wanted.locale)
        ? []
        : [drift(`the locale is ${database.collate}, the inventory says ${wanted.locale}`, kept)]),
      ...Object.entries(wanted.extensions).flatMap(([extension, { schema }]) => {
        const is = contents?.extensions[extension]?.schema;
        return is === undefined || schema === undefined || is === schema
          ? []
          : [
              drift(
                `the extension ${extension} is in schema ${is}, the inventory says ${schema}`,
                'move it with ALTER EXTENSION … SET SCHEMA where it can be moved, or say where it is in the inventory',
              ),
            ];
      }),
    ];
  });
}

/** That databases are what the inventory says also in what no run changes: an apply that ends well has left no such difference. */
export function contentsCheck(view: View, host: Host): CheckResult[] {
  const count = eachDatabase(view, host).length;
  if (count === 0) return [];
  const title = 'databases are as the inventory has them';
  const differences = contentsDrift(view, host);
  if (differences.length === 0) return [{ host: host.name, title, ok: true, detail: `${count} looked at` }];
  return differences.map(({ what, mend }) => ({ host: host.name, title, ok: false, detail: what, mend }));
}

/** Extensions that are made only after a restart. */
export function contentsRemarks(view: View, host: Host): string[] {
  return eachDatabase(view, host).flatMap(({ wanted, state }) =>
    waitingExtensions(wanted, state).map(
      (extension) =>
        `database ${wanted.name}: the extension ${extension} waits for a restart of PostgreSQL, which loads its library: ${restarted(view, host)}, then ${pgprov`apply ${view.inventory}`}`,
    ),
  );
}

function restarted({ inventory }: View, host: Host): string {
  return topologyOf(host) === 'single' ? 'restart it' : pgprov`restart ${inventory} --pending`;
}

function eachDatabase(view: View, host: Host): { wanted: ReturnType<typeof wantedDatabases>[number]; state: Found }[] {
  const platform = view.platform(host.name);
  // Remarks are asked of every host of a run, whatever its roles.
  if (platform === undefined || !host.roles.includes('postgresql')) return [];
  return wantedDatabases({ host, platform }).flatMap((wanted) => {
    const state = view.read(host.name, databaseHandle(wanted.name));
    return state?.server === 'primary' ? [{ wanted, state }] : [];
  });
}

/** `UTF8` is `utf-8`, and `C.UTF-8` is `c.utf8`. */
function spelled(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/gu, '');
}
