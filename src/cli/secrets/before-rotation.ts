import { join } from 'node:path';
import { ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import type { Inventory } from '../../model/index.js';
import { renderPlan } from '../../report/plan-text.js';
import { readRotation, type PasswordRotation } from '../../store/password-rotation.js';
import { catalogOf } from '../catalog.js';
import { colors } from '../colors.js';
import { canAsk, confirm } from '../confirm.js';
import { look } from '../look.js';
import type { RolePassword } from './proof.js';
import { aim, directoryOf, type Rotating } from './rotating.js';

/**
 * The password of that name.
 * @throws InputError that lists what there is
 */
export function accountCalled(name: string, inventory: Inventory): RolePassword {
  const all = catalogOf(inventory).flatMap((role) => (role.passwords?.() ?? []).map((password) => ({ ...password, role: role.name })));
  const found = all.find((account) => account.name === name || account.path === name);
  if (found !== undefined) return found;
  throw new InputError({
    kind: 'secrets/unknown-account',
    message: `${name} is no password of the cluster`,
    hint: `there are ${all.map((account) => `${account.name} (${account.path})`).join(', ')}; \`pgprov secrets set\` changes other values of a store`,
  });
}

/**
 * The change of this password that is under way.
 * @throws InputError when it is another's, which must be over first
 */
export async function pendingRotation({ account, inventory, kept }: Rotating): Promise<PasswordRotation | undefined> {
  const rotation = await readRotation(directoryOf(inventory));
  if (rotation === undefined) return undefined;
  const now = kept.given?.reveal();
  if (rotation.path !== account.path) {
    throw new InputError({
      kind: 'secrets/other-rotation',
      message: `a change of ${rotation.path} is not finished`,
      hint: `finish it first: \`pgprov secrets rotate ${rotation.path} ${inventory.file}\``,
    });
  }
  if (now === undefined || now === rotation.from || now === rotation.to) return rotation;
  throw new InputError({
    kind: 'secrets/changed',
    message: `a change of ${account.path} is not finished, and the inventory gives a third value by now`,
    hint: `run \`pgprov apply ${inventory.file}\`, which puts the inventory’s value in force, then remove ${join(directoryOf(inventory), 'password-rotation.yml')}`,
  });
}

/**
 * Asks, where nothing but the password would be changed; gives the exit code to end with, or `done` to go on.
 * @throws PgprovError when the cluster differs from its inventory in other ways, which are shown
 */
export async function insistReady({ account, inventory, options }: Rotating): Promise<ExitCode> {
  const { outcome, hosts } = await look(inventory, aim(inventory));
  if (outcome.exitCode !== ExitCode.done) return outcome.exitCode;
  const color = colors(process.stdout);
  if (!outcome.holdsData) throw new InputError({ kind: 'secrets/no-cluster', message: `${inventory.cluster} has no database yet, so there is nothing to change`, hint: '`pgprov apply` makes it' });
  if (outcome.plan.length > 0) {
    process.stderr.write(`${renderPlan(outcome.plan, { color, diffs: false, hosts, effects: outcome.effects })}\n\n`);
    throw new PgprovError({
      kind: 'secrets/not-settled',
      message: `${inventory.cluster} differs from its inventory, as shown above; a password is changed only where nothing else is`,
      hint: `run \`pgprov apply ${inventory.file}\` first; a member that is gone for good must leave the inventory`,
    });
  }
  if (options.yes === true) return ExitCode.done;
  if (!canAsk()) {
    throw new InputError({ kind: 'apply/unconfirmed', message: `there is no terminal to ask on whether the ${account.name} password may be changed`, hint: 'nothing was changed; run again with --yes' });
  }
  if (await confirm(`Change the ${account.name} password of ${inventory.cluster} on ${hosts.join(', ')}?`)) return ExitCode.done;
  process.stdout.write('Nothing was changed.\n');
  return ExitCode.interrupted;
}
