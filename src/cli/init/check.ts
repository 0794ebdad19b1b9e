import { accessSync, constants, existsSync } from 'node:fs';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../../lib/errors.js';
import { formatProblem, InventoryError, loadInventory, type Inventory, type Problem } from '../../model/index.js';
import { againstCatalog } from '../catalog.js';

/**
 * Insists that a new file can be written, before anybody is asked anything; what comes into being meanwhile is noticed when it is written.
 * @throws InputError when it is there already, or its directory takes no file
 */
export function assertWritable(file: string): void {
  if (existsSync(file)) throw isThere(file);
  try {
    accessSync(dirname(file), constants.W_OK);
  } catch (thrown) {
    throw unwritable(file, thrown);
  }
}

/** What is wrong with a text as an inventory in a file of this name. */
export async function problemsOf(file: string, text: string): Promise<readonly Problem[]> {
  try {
    await loadBeside(file, text);
    return [];
  } catch (thrown) {
    if (thrown instanceof InventoryError) return thrown.problems;
    throw unwritable(file, thrown);
  }
}

/** Writes a new inventory, after it was checked as one. */
export async function writeInventory(file: string, text: string): Promise<Inventory> {
  try {
    return await loadBeside(file, text, (draft) => copyFile(draft, file, constants.COPYFILE_EXCL));
  } catch (thrown) {
    if (thrown instanceof InventoryError) throw unfit(thrown.problems);
    throw unwritable(file, thrown);
  }
}

/** Loads a text as an inventory from where it will lie, under another name, and gives it away while it is there. */
async function loadBeside(file: string, text: string, take?: (draft: string) => Promise<void>): Promise<Inventory> {
  const draft = draftFile(file);
  try {
    await writeFile(draft, text, { flag: 'wx' });
    const inventory = await loadInventory(draft, { ...againstCatalog(undefined), secrets: 'check' });
    await take?.(draft);
    return inventory;
  } finally {
    await rm(draft, { force: true });
  }
}

function draftFile(file: string): string {
  return join(dirname(file), `.${basename(file)}.${process.pid}`);
}

/** A problem of the text, which is no file yet and so has no lines or columns; one of another file is told with its place. */
export function problemWords(problem: Problem): string {
  const { message, hint } = problem;
  if (!isOfDraft(problem)) return formatProblem(problem);
  return `${message}${hint === undefined ? '' : `; ${hint}`}`.replace(/ \(line \d+\)|^column \d+ of the line: /gu, '');
}

function isOfDraft({ file }: Problem): boolean {
  return basename(file).endsWith(`.${process.pid}`);
}

/** The error for what makes no inventory, with every problem. */
export function unfit(problems: readonly Problem[]): InputError {
  const lines = problems.map((problem) => {
    const { path, message, hint } = problem;
    return formatProblem(isOfDraft(problem) ? { file: 'inventory', path, message, ...(hint === undefined ? {} : { hint }) } : problem);
  });
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
