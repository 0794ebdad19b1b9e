import { join } from 'node:path';
import type { EventListener } from '../../events.js';
import { ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import { makePassword } from '../../lib/password.js';
import { Secret } from '../../lib/secret.js';
import type { Inventory } from '../../model/index.js';
import { renderPlan } from '../../report/plan-text.js';
import { chooseOutput, createReporter } from '../../report/reporter.js';
import type { PasswordRotation } from '../../store/password-rotation.js';
import { takeLocalLock } from '../../store/local-lock.js';
import { Store, storeDirectory } from '../../store/store.js';
import { catalogOf } from '../catalog.js';
import { runOnHosts } from '../cluster-run.js';
import { colors } from '../colors.js';
import { canAsk, confirm } from '../confirm.js';
import { loadFor } from '../inventory.js';
import { look } from '../look.js';
import { aimOf, type OutputOptions } from '../options.js';
import { tell } from '../resume.js';
import { keptWhere, type Kept } from './kept-where.js';
import { missingProofs, provedText, type RolePassword } from './proof.js';
import { putIntoStore } from './put.js';

/** Options of `pgprov secrets rotate`. */
export interface RotateOptions extends OutputOptions {
  /** Do not ask. */
  yes?: boolean;
}

/** A password, where it is kept, and the cluster that goes by it. */
interface Rotating {
  account: RolePassword;
  inventory: Inventory;
  kept: Kept;
  options: RotateOptions;
}

/** `pgprov secrets rotate`: a new password on all members at once, proved before the old one is forgotten; goes on with a broken change. */
export async function rotate(name: string, file: string, options: RotateOptions): Promise<ExitCode> {
  const inventory = await loadFor(file, options);
  const account = accountCalled(name, inventory);
  const hosts = inventory.hosts.filter(({ roles }) => roles.includes(account.role));
  if (hosts.length === 0) throw new InputError({ kind: 'secrets/no-member', message: `no host of ${inventory.cluster} has the role ${account.role}, so there is no ${account.name} password` });
  const rotating: Rotating = { account, inventory, kept: keptWhere(account.path, hosts, inventory), options };
  const pending = await pendingRotation(rotating);
  if (pending === undefined) {
    const ready = await insistReady(rotating);
    if (ready !== ExitCode.done) return ready;
  } else {
    tell([{ type: 'note', text: `going on with the change of ${account.path} that was begun` }], options.output);
  }
  const rotation = pending ?? (await begin(rotating));
  const { exitCode, untouched } = await carryOut(rotating);
  if (exitCode !== ExitCode.done) return putOff(rotating, exitCode, pending === undefined && untouched);
  await prove(rotating, rotation);
  await finish(rotating, rotation);
  tell([{ type: 'note', text: provedText(account, inventory) }], options.output);
  return ExitCode.done;
}

function accountCalled(name: string, inventory: Inventory): RolePassword {
  const all = catalogOf(inventory).flatMap((role) => (role.passwords?.() ?? []).map((password) => ({ ...password, role: role.name })));
  const found = all.find((account) => account.name === name || account.path === name);
  if (found !== undefined) return found;
  throw new InputError({
    kind: 'secrets/unknown-account',
    message: `${name} is no password of the cluster`,
    hint: `there are ${all.map((account) => `${account.name} (${account.path})`).join(', ')}; \`pgprov secrets set\` changes other values of a store`,
  });
}

/** The change of this password that is under way; another's must be over first. */
async function pendingRotation({ account, inventory, kept }: Rotating): Promise<PasswordRotation | undefined> {
  const { rotation } = await openStore(inventory, false);
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

/** Shows what else differs, for then a run would change more than a password; asks. */
async function insistReady({ account, inventory, options }: Rotating): Promise<ExitCode> {
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

/** Makes the new password, and writes both down. */
function begin({ account, inventory, kept }: Rotating): Promise<PasswordRotation> {
  return locked(inventory, async (store) => {
    const rotation = { path: account.path, from: store.password(account.path, kept.given).reveal(), to: makePassword() };
    await store.beginRotation(rotation);
    return rotation;
  });
}

/** Applies what knows passwords; tells whether a host was touched. */
async function carryOut({ inventory, options }: Rotating): Promise<{ exitCode: ExitCode; untouched: boolean }> {
  const { kind, color } = chooseOutput(options.output, process.stdout, process.env);
  const reporter = await createReporter(kind, { out: process.stdout, err: process.stderr, color });
  let untouched = true;
  const emit: EventListener = (event) => {
    if (event.type === 'step-start' && event.changes > 0) untouched = false;
    reporter.emit(event);
  };
  try {
    const { exitCode } = await runOnHosts({ inventory, aim: aim(inventory), mode: 'apply', said: { aim: { role: rolesOf(inventory) }, set: options.set ?? [] }, emit });
    return { exitCode, untouched };
  } finally {
    await reporter.close();
  }
}

/** After a run that failed: takes a change back that reached no host, or says how it is finished. */
async function putOff({ account, inventory, options }: Rotating, exitCode: ExitCode, takeBack: boolean): Promise<ExitCode> {
  if (takeBack) await locked(inventory, (store) => store.dropRotation());
  const text = takeBack
    ? `the ${account.name} password was not changed`
    : `the change of ${account.path} is not finished, and both passwords are kept; run \`pgprov secrets rotate ${account.name}\` again, it goes on from here`;
  tell([{ type: 'warning', text }], options.output);
  return exitCode;
}

/** @throws PgprovError when a member does not take the new password, or still takes the former one */
async function prove({ account, inventory }: Rotating, rotation: PasswordRotation): Promise<void> {
  const missing = await missingProofs(account, inventory, rotation);
  if (missing.length === 0) return;
  throw new PgprovError({
    kind: 'secrets/not-proved',
    message: `the ${account.name} password was changed, but not proved:\n  ${missing.join('\n  ')}`,
    hint: `both passwords are kept; mend that and run \`pgprov secrets rotate ${account.name}\` again`,
  });
}

/** Puts the new password where the old one was kept, and forgets that one. */
async function finish({ inventory, kept }: Rotating, { to }: PasswordRotation): Promise<void> {
  if (kept.store !== undefined) await putIntoStore(inventory.dir, kept.store, new Secret(to));
  await locked(inventory, (store) => store.endRotation());
}

function aim(inventory: Inventory): ReturnType<typeof aimOf> {
  return aimOf(inventory, { role: rolesOf(inventory) });
}

/** The roles that know passwords. */
function rolesOf(inventory: Inventory): string[] {
  const knowing = catalogOf(inventory).filter(({ passwords }) => passwords !== undefined);
  return knowing.map(({ name }) => name).filter((name) => inventory.hosts.some(({ roles }) => roles.includes(name)));
}

function directoryOf({ dir, cluster }: Inventory): string {
  return storeDirectory(dir, cluster);
}

function openStore(inventory: Inventory, writable: boolean): Promise<Store> {
  return Store.open(directoryOf(inventory), inventory.cluster, { writable });
}

async function locked<Result>(inventory: Inventory, work: (store: Store) => Promise<Result>): Promise<Result> {
  const release = await takeLocalLock(directoryOf(inventory));
  try {
    return await work(await openStore(inventory, true));
  } finally {
    await release();
  }
}
