import { systemReason } from '../lib/system-reason.js';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { InventoryError } from './problem.js';

/**
 * The text of an inventory file.
 * @throws InventoryError when there is none to be had
 */
export async function readText(file: string): Promise<string> {
  try {
    const kind = await stat(file);
    // One such as /dev/zero has no end. A pipe that is open, as of <(command), has one; a named one may wait for its writer for ever.
    if (kind.isCharacterDevice() || kind.isBlockDevice()) throw Object.assign(new Error('a device'), { code: DEVICE });
    if (kind.isFIFO() && !isOpenFile(file)) throw Object.assign(new Error('a named pipe'), { code: NAMED_PIPE });
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(file));
  } catch (error) {
    const { code = 'ERR_UNKNOWN' } = error as NodeJS.ErrnoException;
    throw new InventoryError([{ ...(UNREADABLE[code] ?? { message: `cannot be read: ${systemReason(error)}` }), path: '', file }], error);
  }
}

const DEVICE = 'a device';
const NAMED_PIPE = 'a named pipe';

/** Whether this names a file that the process has open already: /dev/stdin, or what a shell puts in the place of `<(command)`. */
export function isOpenFile(file: string): boolean {
  return OPEN_FILE.test(resolve(file));
}

const OPEN_FILE = /^\/dev\/(?:stdin|fd\/\d+)$|^\/proc\/(?:self|\d+)\/fd\/\d+$/u;

const UNREADABLE: Readonly<Record<string, { message: string; hint?: string }>> = {
  ENOENT: { message: 'there is no such file', hint: 'name an inventory; inventory/minimal.yml of pgprov is one to copy' },
  ENOTDIR: { message: 'there is no such file: part of its path is not a directory' },
  EISDIR: { message: 'is a directory, not an inventory file' },
  [DEVICE]: { message: 'is a device, not an inventory file' },
  [NAMED_PIPE]: { message: 'is a named pipe, not an inventory file', hint: 'write the inventory to a file' },
  EACCES: { message: 'must not be read by the current user', hint: 'change its owner or its mode' },
  ERR_ENCODING_INVALID_ENCODED_DATA: { message: 'is not UTF-8 text' },
};
