import { ExitCode } from '../../lib/errors.js';
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
}

/** `pgprov dsn`: what a client needs to connect, as the inventory has it. */
export async function dsn(file: string, options: DsnOptions): Promise<ExitCode> {
  const { format, readOnly = false, direct = false, balance = false, dbname, user } = options;
  const inventory = await loadFor(file, options, 'check');
  const way = wayIn(inventory, { readOnly, direct });
  const client = { database: dbname, balances: balance, ...(user === undefined ? {} : { user }) };
  process.stdout.write(`${dsnText(format, way, client)}\n`);
  return ExitCode.done;
}
