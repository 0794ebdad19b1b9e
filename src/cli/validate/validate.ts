import { ExitCode } from '../../lib/errors.js';
import { loadFor, printWarnings } from '../inventory.js';
import { ownOperations, type Reserved } from '../operations/own.js';
import type { CommonOptions } from '../options.js';

/** `pgprov validate`: says that an inventory is good, the user's roles and operations too, and what cluster it describes. */
export async function validate(file: string, options: CommonOptions, reserved: Reserved): Promise<ExitCode> {
  const inventory = await loadFor(file, options, 'check');
  await ownOperations(inventory.rolesPath, reserved);
  printWarnings(inventory);
  const hosts = inventory.hosts.map(({ name }) => name).join(', ');
  process.stdout.write(`${file}: valid; cluster ${inventory.cluster}, first leader ${inventory.leader}, hosts ${hosts}\n`);
  return ExitCode.done;
}
