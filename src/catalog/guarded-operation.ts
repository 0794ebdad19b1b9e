import type { Inventory } from '../model/index.js';
import type { Foreseen, Operation, OperationRun, OperationStep } from '../plan/operation.js';
import { asserter, blamer, guarded, ownContext, type Blame } from './blame.js';
import type { RoleFile } from './role-files.js';

type Run = OperationRun<object>;

/** A user's operation whose templates lie beside the user's roles, and whose defects are reported as its own, with their place. */
export function guardedOperation(operation: Operation, file: RoleFile): Operation {
  const what = `operation ${operation.name}`;
  const blame = blamer(what, file.directory);
  const own = ownContext(file.directory);
  const ownRun = (run: Run): Run => ({ ...run, contextOf: (host) => own(run.contextOf(host)) });
  const { roles, observations, problems, guards, choose, question, nothing, checks, finished, broken } = operation;
  const { listOf } = asserter(what);
  return {
    ...operation,
    ...(typeof roles === 'function' && { roles: (start) => blame(() => roles.call(operation, start)) }),
    ...(observations && {
      observations: (context, start) => blame(() => observations.call(operation, own(context), start)).map((each) => guarded(each, blame)),
    }),
    ...(problems && {
      problems: (start) =>
        listOf(
          blame(() => problems.call(operation, start)),
          'problems',
        ),
    }),
    ...(guards && {
      guards: (run) =>
        listOf(
          blame(() => guards.call(operation, ownRun(run))),
          'guards',
        ),
    }),
    ...(choose && { choose: (run) => blame(() => choose.call(operation, ownRun(run))) }),
    remaining: (run) =>
      guardedForeseen(
        blame(() => operation.remaining(ownRun(run))),
        { what, blame, own },
        run.inventory,
      ),
    ...(question && { question: (run) => blame(() => question.call(operation, ownRun(run))) }),
    ...(nothing && { nothing: (run) => blame(() => nothing.call(operation, ownRun(run))) }),
    ...(checks && {
      checks: (run) =>
        listOf(
          blame(() => checks.call(operation, ownRun(run))),
          'checks',
        ),
    }),
    ...(finished && { finished: (run) => blame(() => finished.call(operation, ownRun(run))) }),
    ...(broken && { broken: (run, end) => blame(() => broken.call(operation, ownRun(run), end)) }),
  };
}

/** Whose steps they are. */
interface Owner {
  what: string;
  blame: Blame;
  own: ReturnType<typeof ownContext>;
}

/** What the types promise of the steps; JavaScript promises nothing. */
function guardedForeseen(foreseen: unknown, owner: Owner, inventory: Inventory): Foreseen {
  const { assert, listOf } = asserter(owner.what);
  assert(typeof foreseen === 'object' && foreseen !== null, 'remaining must give { steps: [ … ] }');
  const ids = new Set<unknown>();
  const steps = listOf<Partial<OperationStep>>((foreseen as Partial<Foreseen>).steps, 'remaining: steps').map((step, at) => {
    const place = `step ${step.id ?? at + 1}`;
    assert(
      typeof step.id === 'string' && /^[a-z0-9][a-z0-9_.-]*$/u.test(step.id),
      `${place}: id must be of lower-case letters, digits, -, . and _`,
    );
    assert(!ids.has(step.id), `${place}: two steps have this id`);
    assert(typeof step.title === 'string' && step.title !== '', `${place}: title must be a text that is not empty`);
    ids.add(step.id);
    assertWork(step, place, owner, inventory);
    return guardedStep(step as OperationStep, place, owner);
  });
  return { ...(foreseen as Foreseen), steps };
}

function assertWork(step: Partial<OperationStep>, place: string, { what }: Owner, { hosts }: Inventory): void {
  const { assert } = asserter(what);
  const kinds = ['on', 'converge', 'atDesk', 'snapshot'].filter((kind) => kind in step);
  assert(kinds.length === 1, `${place} must have one of on, converge, atDesk and snapshot`);
  if (!('on' in step)) return;
  const { on } = step;
  assert(Array.isArray(on) && on.length > 0, `${place}: on must be a list of hosts that is not empty`);
  const unknown = on.find((name) => hosts.every((host) => host.name !== name));
  assert(unknown === undefined, `${place}: on names ${JSON.stringify(unknown)}, which is no host of the inventory`);
}

function guardedStep(step: OperationStep, place: string, { what, blame, own }: Owner): OperationStep {
  if ('converge' in step || 'snapshot' in step) return step;
  if ('atDesk' in step) return { ...step, atDesk: (desk) => blame(() => step.atDesk(desk)) };
  const { resourcesOf, gatesOf, listOf } = asserter(what);
  const { resources, gates, asks } = step;
  return {
    ...step,
    ...(resources && {
      resources: (context) =>
        resourcesOf(
          blame(() => resources.call(step, own(context))),
          place,
        ).map((each) => guarded(each, blame)),
    }),
    ...(gates && {
      gates: (context) =>
        gatesOf(
          blame(() => gates.call(step, own(context))),
          place,
        ).map((each) => guarded(each, blame)),
    }),
    ...(asks && {
      asks: (context) =>
        listOf<ReturnType<typeof asks>[number]>(
          blame(() => asks.call(step, own(context))),
          `${place}: asks`,
        ).map((each) => guarded(each, blame)),
    }),
  };
}
