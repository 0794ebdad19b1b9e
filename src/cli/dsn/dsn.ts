import { ExitCode } from '../../lib/errors.js';
import { authorityFile } from '../../store/authority.js';
import { certificatesDirectory } from '../../store/store.js';
import { loadFor } from '../inventory.js';
import type { CommonOptions } from '../options.js';
import { dsnText, type DsnForm } from './forms.js';
import { wayIn } from './ways.js';

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
  const authority = options.sslrootcert ?? (await authorityFile(certificatesDirectory(inventory.dir, inventory.cluster)));
  const client = { database: dbname, balances: balance, authority, ...(user === undefined ? {} : { user }) };
  process.stdout.write(`${dsnText(format, way, client)}\n`);
  return ExitCode.done;
}
