import type { EventListener } from '../../events.js';
import { ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import { makePassword } from '../../lib/password.js';
import { Secret } from '../../lib/secret.js';
import { chooseOutput, createReporter } from '../../report/reporter.js';
import type { PasswordRotation } from '../../store/password-rotation.js';
import { runOnHosts } from '../cluster-run.js';
import { loadFor } from '../inventory.js';
import { tell } from '../tell.js';
import { accountCalled, insistReady, pendingRotation } from './before-rotation.js';
import { keptWhere } from './kept-where.js';
import { missingProofs, provedText } from './proof.js';
import { putIntoStore } from './put.js';
import { aim, locked, type RotateOptions, type Rotating } from './rotating.js';

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

/** Makes the new password, and writes both down. */
function begin({ account, inventory, kept }: Rotating): Promise<PasswordRotation> {
  return locked(inventory, async (store) => {
    const rotation = { path: account.path, from: store.password(account.path, kept.given).reveal(), to: makePassword() };
    await store.beginRotation(rotation);
    return rotation;
  });
}

/** Applies what knows passwords; tells whether a host was touched. */
async function carryOut({ account, inventory, options }: Rotating): Promise<{ exitCode: ExitCode; untouched: boolean }> {
  const { kind, color } = chooseOutput(options.output, process.stdout, process.env);
  const reporter = await createReporter(kind, { out: process.stdout, err: process.stderr, color });
  let untouched = true;
  const emit: EventListener = (event) => {
    if (event.type === 'step-start' && event.changes > 0) untouched = false;
    reporter.emit(event);
  };
  try {
    const { exitCode } = await runOnHosts({ inventory, aim: aim(inventory), mode: 'apply', said: { command: `secrets rotate ${account.name}`, aim: {}, set: options.set ?? [] }, emit });
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

