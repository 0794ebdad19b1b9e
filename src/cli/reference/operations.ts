import { ExitCode } from '../../lib/errors.js';
import { readNames } from '../../model/index.js';
import { HEADS } from '../operations/heads.js';
import { ownOperations, type Reserved } from '../operations/own.js';

/** `pgprov operations`: those that come with pgprov and the user's own, each as it is called. */
export async function operations({ inventory }: { inventory?: string }, reserved: Reserved): Promise<ExitCode> {
  const own = inventory === undefined ? [] : await ownOperations((await readNames(inventory)).rolesPath, reserved);
  const all = [...HEADS, ...own].map(({ name, argument, description }) => ({
    called: argument === undefined ? name : `${name} ${argument.name.toUpperCase()}`,
    description,
  }));
  const width = Math.max(...all.map(({ called }) => called.length)) + 1;
  process.stdout.write(all.map(({ called, description }) => `${called.padEnd(width)} ${description}\n`).join(''));
  return ExitCode.done;
}
