import { InputError } from '../lib/errors.js';
import type { LabPlace } from './lab/lab.js';
import type { SelectionFlags, CommonOptions } from './options.js';

/** A command's inventory file, and its options with the lab that it was made for. */
export interface Located<Options> {
  file: string;
  options: Options;
}

/**
 * The inventory that a command uses: the one that is named, or that of a lab.
 *
 * @param aims whether the command, without a selection of hosts, takes those of a lab that are up
 * @throws InputError when neither is named, or there is no such lab
 */
export async function locate<Options extends CommonOptions & SelectionFlags & { resume?: boolean }>(
  inventory: string | undefined,
  options: Options,
  aims: boolean,
): Promise<Located<Options>> {
  const place = placeOf(options);
  if (place === undefined) {
    if (inventory !== undefined) return { file: inventory, options };
    throw new InputError({
      kind: 'cli/no-inventory',
      message: 'no inventory file given',
      hint: 'give one, such as inventory.yml; for a Vagrant lab use --vagrant in the directory of the Vagrantfile',
    });
  }
  const { openLab } = await import('./lab/lab.js');
  const lab = await openLab(inventory, place);
  const isAimed = options.host !== undefined || options.group !== undefined || options.resume === true;
  const chosen = aims && !isAimed && lab.down.length > 0;
  const down =
    lab.down.length === 0
      ? []
      : [`${lab.down.join(', ')} ${lab.down.length === 1 ? 'is' : 'are'} not running${chosen ? ', and left out' : ''}`];
  for (const note of [...lab.notes, ...down]) process.stderr.write(`note: ${note}\n`);
  return { file: lab.file, options: { ...options, lab, ...(chosen ? { host: lab.running } : {}) } };
}

function placeOf({ vagrant, sshConfig }: CommonOptions): LabPlace | undefined {
  if (vagrant !== undefined) return { vagrant };
  return sshConfig === undefined ? undefined : { sshConfig };
}
