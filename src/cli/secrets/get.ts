import { ExitCode, InputError } from '../../lib/errors.js';
import { unknownName } from '../../lib/nearest.js';
import { pgprov } from '../../lib/pgprov-command.js';
import type { Secret } from '../../lib/secret.js';
import type { Host, Inventory } from '../../model/index.js';
import type { DeclaredPassword, KeptPassword } from '../../plan/role.js';
import { printable } from '../../report/printable.js';
import { noValue, readSecretStore } from '../../secrets/read-store.js';
import { Store, storeDirectory } from '../../store/store.js';
import { catalogOf } from '../catalog.js';
import { loadFor } from '../inventory.js';
import type { CommonOptions } from '../options.js';
import { agree, type AgreeOptions } from './agree.js';
import { keysFor, type StoreOptions } from './opening.js';

/** Options of `pgprov secrets get`. */
export type GetOptions = StoreOptions & AgreeOptions & CommonOptions;

/** `pgprov secrets get NAME`: a value of a store, printed when a person agrees. */
export async function getFromStore(name: string, options: GetOptions): Promise<ExitCode> {
  const { file } = options;
  const { mapping } = await readSecretStore(file, file, keysFor(options));
  const value = mapping.get(name);
  if (value === undefined) throw noValue(file, name, mapping.names());
  return print(value, `${printable(name)} of ${file}`, options);
}

/** `pgprov secrets get NAME INVENTORY`: a password of the cluster, wherever it is kept. */
export async function getFromCluster(name: string, file: string, options: GetOptions): Promise<ExitCode> {
  const inventory = await loadFor(file, options);
  const { path, given, none } = passwordNamed(inventory, name);
  const { cluster, dir } = inventory;
  if (none !== undefined) {
    throw new InputError({
      kind: 'secrets/none',
      message: `${name} ${none}, and has no password`,
      hint: `the inventory says so (${path.replace(/\.password$/u, '')})`,
    });
  }
  const store = await Store.open(storeDirectory(dir, cluster), inventory, { writable: false });
  const value = store.password(path, given);
  if (store.generated.includes(path)) {
    throw new InputError({
      kind: 'secrets/not-yet',
      message: `${cluster} has no ${name} password yet: neither the inventory gives one, nor is one kept in ${store.directory}`,
      hint: `the first ${pgprov`apply ${file}`} makes it`,
    });
  }
  if (store.rotation?.path === path)
    process.stderr.write(
      `warning: a change of ${path} is not finished: this is the new password; ${pgprov`secrets rotate ${path} ${file}`} finishes it\n`,
    );
  return print(value.reveal(), `the ${name} password of ${cluster}`, options);
}

/** A password by its name, `superuser` or that of a role of an application, or its path, `postgresql.superuser_password`. */
function passwordNamed(inventory: Inventory, name: string): DeclaredPassword {
  const hosts = catalogOf(inventory).flatMap((role) => {
    const host = inventory.hosts.find(({ roles }) => roles.includes(role.name));
    return host === undefined ? [] : [{ role, host }];
  });
  // What pgprov knows itself by goes before what an inventory calls something of its own.
  const known: DeclaredPassword[] = [
    ...hosts.flatMap(({ role, host }) => [...(role.passwords?.() ?? []), ...(role.ownPasswords ?? [])].map((one) => givenIn(host, one))),
    ...hosts.flatMap(({ role, host }) => role.declaredPasswords?.(host) ?? []),
  ];
  const found = known.find((password) => password.name === name) ?? known.find((password) => password.path === name);
  if (found !== undefined) return found;
  const names = [...new Set(known.flatMap((password) => (password.none === undefined ? password.name : [])))];
  throw new InputError({ kind: 'secrets/unknown', ...unknownName('password', name, names) });
}

function givenIn({ vars }: Host, { name, path }: KeptPassword): DeclaredPassword {
  const [section = '', key = ''] = path.split('.');
  return { name, path, given: vars[section]?.[key] as Secret | undefined };
}

async function print(value: string, what: string, options: AgreeOptions): Promise<ExitCode> {
  await agree(
    process.stdout.isTTY === true ? `Show ${what} on this screen?` : `Write ${what} to stdout, which is not a terminal?`,
    options,
  );
  process.stdout.write(`${value}\n`);
  return ExitCode.done;
}
