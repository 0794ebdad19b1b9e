import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { hostname, userInfo } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { ExitCode, InputError } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { systemReason } from '../../lib/system-reason.js';
import { checkRecipient, parseRecipients, RECIPIENTS_FILE } from '../../secrets/recipients.js';
import { ownIdentityFile } from '../../secrets/identity-sources.js';
import { SecretStore } from '../../store/secret-store.js';
import { writing } from '../../store/writing.js';
import { askTwice } from './prompt-confirmed.js';
import { keysFor, type StoreOptions } from './opening.js';

export interface StoreInitOptions extends StoreOptions {
  recipient?: string[];
  recipientsFile?: string[];
  passphrase?: boolean;
}

/** `pgprov secrets init`: makes what is not there yet, the store last. */
export async function initStore(options: StoreInitOptions): Promise<ExitCode> {
  const { file } = options;
  if (existsSync(file))
    throw new InputError({
      kind: 'secrets/exists',
      message: `${file} is there already, and was left as it is`,
      hint: 'name another file with --file',
    });
  if (options.passphrase === true) {
    refuseKeys(options);
    await SecretStore.create(file, { passphrase: await askTwice(`New passphrase of ${file}`) });
  } else {
    const others = await givenRecipients(options);
    const own = await ownKeys(options);
    await SecretStore.create(file, { recipients: await recipientsFor(file, own, others) });
  }
  say(`made the store ${file}; ${pgprov`secrets set NAME -f ${file}`} puts a value into it`);
  return ExitCode.done;
}

function refuseKeys({ recipient, recipientsFile }: StoreInitOptions): void {
  if (recipient === undefined && recipientsFile === undefined) return;
  throw new InputError({
    kind: 'secrets/passphrase-and-keys',
    message: 'a store is locked either with a passphrase or for recipients',
    hint: 'leave one of the two out',
  });
}

async function givenRecipients({ recipient = [], recipientsFile = [] }: StoreInitOptions): Promise<string[]> {
  const files = await Promise.all(recipientsFile.map(async (path) => parseRecipients(await readRecipients(path), path)));
  return [...(await Promise.all(recipient.map((key) => checkRecipient(key, '--recipient')))), ...files.flat()];
}

async function readRecipients(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new InputError({
      kind: 'secrets/recipient',
      message: `the file of recipients ${path} cannot be read: ${systemReason(cause)}`,
      cause,
    });
  }
}

/** The public keys of whoever makes the store; makes an identity where there is none. */
async function ownKeys(options: StoreInitOptions): Promise<string[]> {
  const [named] = options.identity ?? [];
  const isThere = named === undefined || existsSync(named);
  const own = isThere ? await keysFor(options).publicKeys() : [];
  return own.length > 0 ? own : [await makeIdentity(named ?? ownIdentityFile(process.env))];
}

/** Makes an identity as `age-keygen` would; gives its public key. */
async function makeIdentity(path: string): Promise<string> {
  const { generateX25519Identity, identityToRecipient } = await import('age-encryption');
  const identity = await generateX25519Identity();
  const publicKey = await identityToRecipient(identity);
  const text = `# created: ${new Date().toISOString()}\n# public key: ${publicKey}\n${identity}\n`;
  await writing(path, async () => {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeFile(path, text, { flag: 'wx', mode: 0o600 });
  });
  say(`made the identity ${path}; keep a copy of it in a safe place: without it the store cannot be opened`);
  return publicKey;
}

/** The recipients that are listed beside the store, or else a new list of them. */
async function recipientsFor(file: string, own: readonly string[], others: readonly string[]): Promise<string[]> {
  const list = join(dirname(file), RECIPIENTS_FILE);
  const wanted = [...new Set([...own, ...others])];
  if (!existsSync(list)) {
    const { username } = userInfo();
    const head = `# The recipients of ${basename(file)}; after a change: pgprov secrets reencrypt`;
    const text = [head, `# ${username}@${hostname()}`, ...wanted, ''].join('\n');
    await writing(list, () => writeFile(list, text, { flag: 'wx' }));
    say(`made ${list}, which lists ${wanted.length === 1 ? 'you' : `you and ${wanted.length - own.length} more`}`);
    return wanted;
  }
  const listed = await parseRecipients(await readRecipients(list), list);
  const missing = wanted.filter((key) => !listed.includes(key) && (others.includes(key) || !own.some((mine) => listed.includes(mine))));
  if (missing.length === 0) return listed;
  throw new InputError({
    kind: 'secrets/recipients-differ',
    message: `${list} is there already and does not list ${missing.join(', ')}`,
    hint: 'add that line to it and do it again',
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
