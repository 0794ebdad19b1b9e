import { ExitCode } from '../../lib/errors.js';
import { printable } from '../../report/printable.js';
import { noValue } from '../../secrets/read-store.js';
import { agree, type AgreeOptions } from './agree.js';
import { withStore, type StoreOptions } from './opening.js';

/** `pgprov secrets rm`: takes a value out of a store. */
export async function removeSecret(name: string, options: StoreOptions & AgreeOptions): Promise<ExitCode> {
  await withStore(options, async (store) => {
    if (store.get(name) === undefined) throw noValue(options.file, name, store.names());
    await agree(`Remove ${printable(name)} from ${options.file}? Its value is then lost.`, options);
    store.remove(name);
    await store.save();
  });
  process.stdout.write(`${options.file}: ${printable(name)} is removed; an inventory must not refer to it any more\n`);
  return ExitCode.done;
}
