import { ExitCode } from '../../lib/errors.js';
import { withStore, type StoreOptions } from './opening.js';

/** `pgprov secrets reencrypt`: after a change of the recipients. */
export async function reencryptStore(options: StoreOptions): Promise<ExitCode> {
  await withStore(options, (store) => store.save());
  process.stdout.write(`${options.file} is encrypted anew\n`);
  return ExitCode.done;
}
