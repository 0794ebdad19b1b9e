import { InputError } from '../lib/errors.js';
import { pgprov } from '../lib/pgprov-command.js';
import type { LabPlace } from './lab/lab.js';
import type { SelectionFlags, CommonOptions } from './options.js';
import { writeSentence } from './sentence.js';
import { USUAL_INVENTORY, usualInventory } from './usual-inventory.js';

/** A command's inventory file, and its options with the lab that it was made for. */
export interface Located<Options> {
  file: string;
  options: Options;
}

/**
 * The inventory that a command uses: the one that is named, that of a lab, or the usual one, which stderr then names.
 *
 * @param aims whether the command, without a selection of hosts, takes those of a lab that are up
 * @throws InputError when there is none, or no such lab
 */
export async function locate<Options extends CommonOptions & SelectionFlags & { resume?: boolean; quiet?: boolean }>(
  inventory: string | undefined,
  options: Options,
  aims: boolean,
): Promise<Located<Options>> {
  const place = placeOf(options);
  if (place === undefined) {
    return { file: inventory ?? findUsual(options.quiet === true), options };
  }
  const { openLab } = await import('./lab/lab.js');
  const lab = await openLab(inventory, place);
  const isAimed = options.host !== undefined || options.group !== undefined || options.resume === true;
  const chosen = aims && !isAimed && lab.down.length > 0;
  const down =
    lab.down.length === 0
      ? []
      : [`${lab.down.join(', ')} ${lab.down.length === 1 ? 'is' : 'are'} not running${chosen ? ', and left out' : ''}`];
  for (const note of [...lab.notes, ...down]) writeSentence(process.stderr, 'note: ', note);
  return { file: lab.file, options: { ...options, lab, ...(chosen ? { host: lab.running } : {}) } };
}

/** @throws InputError where there is none */
function findUsual(quiet: boolean): string {
  const usual = usualInventory();
  if (usual === undefined) throw noInventory();
  if (!quiet) writeSentence(process.stderr, 'note: ', `the inventory is ${usual.file}, ${usual.why}`);
  return usual.file;
}

/** Nothing names an inventory. */
export function noInventory(): InputError {
  return new InputError({
    kind: 'cli/no-inventory',
    message: `no inventory is named, and there is no ${USUAL_INVENTORY} in this directory`,
    hint: `name one, or set PGPROV_INVENTORY; ${pgprov`init`} writes one; for a Vagrant lab use --vagrant in the directory of the Vagrantfile`,
  });
}

function placeOf({ vagrant, sshConfig }: CommonOptions): LabPlace | undefined {
  if (vagrant !== undefined) return { vagrant };
  return sshConfig === undefined ? undefined : { sshConfig };
}
