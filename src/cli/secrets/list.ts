import { ExitCode } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { printable } from '../../report/printable.js';
import { readSecretStore } from '../../secrets/read-store.js';
import { keysFor, type StoreOptions } from './opening.js';

export interface ListOptions extends StoreOptions {
  json?: boolean;
}

/** `pgprov secrets list`: the names in a store. */
export async function listSecrets(options: ListOptions): Promise<ExitCode> {
  const { file } = options;
  const { mapping } = await readSecretStore(file, file, keysFor(options));
  const names = mapping.names();
  if (options.json === true) process.stdout.write(`${JSON.stringify({ file, names }, undefined, 2)}\n`);
  else if (names.length === 0) process.stderr.write(`${file} is empty; ${pgprov`secrets set NAME -f ${file}`} puts a value into it\n`);
  else process.stdout.write(names.map((name) => `${printable(name)}\n`).join(''));
  return ExitCode.done;
}
