import { ExitCode, InputError } from '../../lib/errors.js';
import { PathResolver, type Inventory } from '../../model/index.js';
import { authorityFile } from '../../store/authority.js';
import { certificatesDirectory } from '../../store/store.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { catalogOf } from '../catalog.js';
import { loadFor } from '../inventory.js';
import type { CommonOptions } from '../options.js';
import { dsnText, type DsnForm } from './forms.js';
import { wayIn, type Way } from './ways.js';

/** Options of `pgprov dsn`. */
export interface DsnOptions extends CommonOptions {
  format: DsnForm;
  readOnly?: boolean;
  direct?: boolean;
  balance?: boolean;
  dbname: string;
  user?: string;
  sslrootcert?: string;
}

/** `pgprov dsn`: what a client needs to connect, as the inventory has it. */
export async function dsn(file: string, options: DsnOptions): Promise<ExitCode> {
  const { format, readOnly = false, direct = false, balance = false, dbname, user } = options;
  const inventory = await loadFor(file, options, 'check');
  const way = wayIn(inventory, { readOnly, direct });
  const authority = options.sslrootcert ?? (await authorityOf(inventory, way));
  const client = { database: dbname, balances: balance, authority, ...(user === undefined ? {} : { user }) };
  process.stdout.write(`${dsnText(format, way, client)}\n`);
  // A program that reads the line gets no more than it asked for.
  const kept = process.stdout.isTTY === true && user !== undefined ? passwordWords(inventory, user) : undefined;
  if (kept !== undefined) process.stderr.write(`${kept}\n`);
  return ExitCode.done;
}

/** How the password of a role that the inventory declares is read; undefined: it declares none of that name. */
function passwordWords(inventory: Inventory, user: string): string | undefined {
  const found = catalogOf(inventory)
    .flatMap((role) => inventory.hosts.flatMap((host) => (host.roles.includes(role.name) ? (role.declaredPasswords?.(host) ?? []) : [])))
    .find(({ name }) => name === user);
  if (found === undefined) return undefined;
  return found.none === undefined
    ? `${pgprov`secrets get ${found.path} ${inventory}`} prints the password of ${user}`
    : `${user} ${found.none}, and has no password`;
}

/**
 * Where clients find the authority of what they are presented: the file that the inventory gives, or that of the cluster.
 * @throws InputError where several are given, or one that is in no file
 */
async function authorityOf(inventory: Inventory, { verifies, given }: Way): Promise<string> {
  if (given === undefined || verifies === undefined) return authorityFile(certificatesDirectory(inventory.dir, inventory.cluster));
  const paths = new PathResolver(inventory.dir, process.env);
  const files = given.map((reference) => (reference !== undefined && 'file' in reference ? paths.resolve(reference.file) : undefined));
  const [first, ...others] = [...new Set(files)];
  if (first !== undefined && others.length === 0) return first;
  throw new InputError({
    kind: 'dsn/no-authority-file',
    message:
      first === undefined && others.length === 0
        ? 'the inventory gives the authority of the certificates (tls_ca), and not as a file that a client could be pointed to'
        : 'the inventory gives hosts several authorities (tls_ca), and a client takes one file',
    hint: 'say with `--sslrootcert FILE` where the client has all that it needs',
  });
}
