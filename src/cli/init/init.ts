import { existsSync } from 'node:fs';
import { constants, copyFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ExitCode, InputError } from '../../lib/errors.js';
import { quote } from '../../lib/shell-word.js';
import { formatProblem, InventoryError, loadInventory, type Inventory } from '../../model/index.js';
import { againstCatalog } from '../catalog.js';
import { draftFrom, type DraftOptions } from './answers.js';
import type { Imported } from './from-ansible.js';
import { inventoryText } from './inventory-text.js';

/** Options of `pgprov init`. */
export interface InitOptions extends DraftOptions {
  /** An inventory of Ansible to begin with. */
  fromAnsible?: string;
  /** Only the hosts of these groups of it. */
  group?: string[];
}

/** `pgprov init`: writes a first inventory, and never over a file. */
export async function init(file: string, options: InitOptions): Promise<ExitCode> {
  // Before anybody is asked anything; what comes into being meanwhile is noticed when the file is written.
  if (existsSync(file)) throw isThere(file);
  const { draft, notes } = await imported(file, options);
  const text = inventoryText(draft, options.fromAnsible === undefined ? '' : ` from ${options.fromAnsible}`);
  const inventory = await writeChecked(file, text);
  const { stdout, stderr } = process;
  if (notes.length > 0) stderr.write(`Not taken over from ${options.fromAnsible ?? ''}:\n${notes.map((note) => `  ${note}\n`).join('')}\n`);
  for (const { message, hint } of inventory.warnings) stderr.write(`warning: ${message}${hint === undefined ? '' : `; ${hint}`}\n`);
  const hosts = inventory.hosts.map(({ name }) => name);
  const word = quote(file);
  stdout.write(`Wrote ${file}: cluster ${inventory.cluster}, ${hosts.length === 1 ? 'host' : `${hosts.length} hosts:`} ${hosts.join(', ')}.
Read it, then:

  pgprov ping ${word}     check logins, host keys and sudo
  pgprov plan ${word}     show what apply would change; touches nothing
  pgprov apply ${word}    make it so
`);
  return ExitCode.done;
}

async function imported(file: string, options: InitOptions): Promise<Imported> {
  const { fromAnsible, cluster, group } = options;
  if (fromAnsible === undefined) {
    if (group !== undefined)
      throw new InputError({ kind: 'init/group', message: '--group chooses among the groups of --from-ansible FILE, which is missing' });
    return { draft: await draftFrom(options), notes: [] };
  }
  if (options.host !== undefined)
    throw new InputError({ kind: 'init/hosts', message: '--host and --from-ansible both say which hosts there are; give one of them' });
  const { importAnsible } = await import('./from-ansible.js');
  const found = importAnsible(fromAnsible, {
    target: file,
    ...(cluster === undefined ? {} : { cluster }),
    ...(group === undefined ? {} : { groups: group }),
  });
  const { user, port, identityFile, jump, postgresql, clients } = options;
  const said = Object.entries({ user, port, identity_file: identityFile, jump }).filter(([, value]) => value !== undefined);
  return {
    ...found,
    draft: {
      ...found.draft,
      ssh: { ...found.draft.ssh, ...Object.fromEntries(said) },
      ...(postgresql === undefined ? {} : { postgresql: { ...found.draft.postgresql, version: postgresql } }),
      ...(clients === undefined ? {} : { clients }),
    },
  };
}

/** Checks the text as an inventory where it will lie, under another name, and only then gives it its own. */
async function writeChecked(file: string, text: string): Promise<Inventory> {
  const draft = join(dirname(file), `.${basename(file)}.${process.pid}`);
  try {
    await writeFile(draft, text, { flag: 'wx' });
    const inventory = await loadInventory(draft, { ...againstCatalog(undefined), secrets: 'check' });
    await copyFile(draft, file, constants.COPYFILE_EXCL);
    return inventory;
  } catch (thrown) {
    if (thrown instanceof InventoryError) throw unfit(thrown);
    throw unwritable(file, thrown);
  } finally {
    await rm(draft, { force: true });
  }
}

function unfit({ problems }: InventoryError): InputError {
  const lines = problems.map(({ path, message, hint }) =>
    formatProblem({ file: 'inventory', path, message, ...(hint === undefined ? {} : { hint }) }),
  );
  return new InputError({ kind: 'init/unfit', message: `what was given makes no inventory, so nothing was written:\n${lines.join('\n')}` });
}

function isThere(file: string): InputError {
  return new InputError({
    kind: 'init/exists',
    message: `${file} is there already, and is left as it is`,
    hint: 'name another file',
  });
}

function unwritable(file: string, thrown: unknown): unknown {
  const { code } = thrown as NodeJS.ErrnoException;
  if (code === 'EEXIST') return isThere(file);
  if (code === undefined) return thrown;
  const why = code === 'ENOENT' ? 'there is no such directory' : code === 'EACCES' || code === 'EROFS' ? 'you may not write there' : code;
  return new InputError({ kind: 'init/unwritable', message: `${file} cannot be written: ${why}`, cause: thrown });
}
