import { buffer } from 'node:stream/consumers';
import { stringify } from 'yaml';
import { ExitCode, InputError } from '../../lib/errors.js';
import { makePassword } from '../../lib/password.js';
import { Secret } from '../../lib/secret.js';
import { printable } from '../../report/printable.js';
import { checkName } from '../../secrets/mapping-text.js';
import { askTwice } from './prompt-confirmed.js';
import { withStore, type StoreOptions } from './opening.js';

export interface SetOptions extends StoreOptions {
  generate?: boolean;
}

/** `pgprov secrets set`: gives a name a value, which no command line ever holds. */
export async function setSecret(name: string, options: SetOptions): Promise<ExitCode> {
  checkName(name);
  const isNew = await withStore(options, async (store) => {
    const had = store.get(name) !== undefined;
    store.set(name, await valueFor(name, options));
    await store.save();
    return !had;
  });
  const reference = stringify({ age: options.file, key: name }, { collectionStyle: 'flow', lineWidth: 0 }).trim();
  const made = options.generate === true ? 'a generated password' : 'a value';
  process.stdout.write(
    `${options.file}: ${printable(name)} has ${isNew ? made : `${made} in place of its former one`}; in the inventory: ${printable(reference)}\n`,
  );
  return ExitCode.done;
}

async function valueFor(name: string, { generate }: SetOptions): Promise<Secret> {
  if (generate === true) return new Secret(makePassword());
  if (process.stdin.isTTY === true) return new Secret(await askTwice(`Value of ${printable(name)}`));
  return new Secret(await fromStdin());
}

async function fromStdin(): Promise<string> {
  const bytes = await buffer(process.stdin);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/u, '');
  } catch (cause) {
    throw new InputError({
      kind: 'secrets/value',
      message: 'what came on stdin is not UTF-8 text',
      hint: 'keep bytes of another kind as base64',
      cause,
    });
  }
}
