import { readFile } from 'node:fs/promises';
import type { Inventory } from '../../model/index.js';
import { writeAgain } from '../../store/files.js';
import { writing } from '../../store/writing.js';
import { withAbsentHost } from './absent-line.js';

/**
 * Has the inventory's file say that a host of it is `absent`.
 * @returns false: it is no file of pgprov's form, or is written in a way in which a person has to do it
 */
export async function markAbsent({ file }: Pick<Inventory, 'file'>, host: string): Promise<boolean> {
  const text = await readFile(file, 'utf8').catch(() => '');
  const changed = withAbsentHost(text, host);
  if (changed === undefined) return false;
  if (changed !== text) await writing(file, () => writeAgain(file, changed));
  return true;
}
