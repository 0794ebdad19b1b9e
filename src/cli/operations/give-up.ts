import { operate } from '../../engine/operate.js';
import type { OperateOptions } from '../../engine/operate-options.js';
import { ExitCode } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import type { Inventory } from '../../model/index.js';
import { defineOperation, type Hindrance, type LeftOver, type Operation } from '../../plan/operation.js';
import { takeLocalLock } from '../../store/local-lock.js';
import { endOperation, type OperationRecord } from '../../store/operation-record.js';
import type { Pipeline } from '../pipeline/pipeline.js';
import { engineOptions, type OfEngine } from './engine-options.js';
import { assertStill, type Named } from './still.js';
import { describeOperation } from './unfinished.js';

/** Forgets an unfinished operation; no host is connected to. */
export async function giveUp(pipeline: Pipeline, operation: Named, record: OperationRecord | undefined): Promise<ExitCode> {
  const { inventory, store } = pipeline;
  if (record === undefined) {
    pipeline.tell({ type: 'note', text: `Nothing to give up: no ${operation.name} of ${inventory.cluster} is unfinished.` });
    return ExitCode.done;
  }
  const release = await takeLocalLock(store);
  try {
    await assertStill(operation, inventory, record);
    await endOperation(store);
  } finally {
    await release();
  }
  pipeline.tell({ type: 'note', text: givenUp(record, inventory) });
  return ExitCode.done;
}

/** What an operation that is to be given up was begun with, and what it may have left in the way of others. */
interface LeftBehind {
  record: OperationRecord;
  basis: Omit<OperateOptions<object>, OfEngine>;
  hinders: Hindrance<object>;
}

/**
 * Forgets an unfinished operation once what it may have left in the way of others is put right. Hosts that do not answer do not keep it from being
 * forgotten: what becomes of it there is told, and the exit code is 3.
 */
export function giveUpTidily(pipeline: Pipeline, { record, basis, hinders }: LeftBehind): Promise<ExitCode> {
  const { inventory, store } = pipeline;
  const { operation } = basis;
  const command = `${record.command ?? operation.name} --give-up`;
  return pipeline.carryOut({
    command,
    shows: 'run',
    journal: { command, aim: {}, set: [] },
    holds: true,
    go: async (parts) => {
      await assertStill(operation, inventory, record);
      return operate({
        ...basis,
        ...engineOptions(parts),
        operation: tidying(operation, hinders, record),
        check: false,
        begin: () => parts.begin(),
        end: () => endOperation(store),
      });
    },
  });
}

/** What is left to do of an operation that is given up, as an operation. */
function tidying({ name, description, options }: Operation, hinders: Hindrance<object>, record: OperationRecord): Operation {
  const { chosen } = record;
  return defineOperation<object>({
    name,
    description,
    options,
    roles: ({ inventory }) => [hinders.role({ inventory, options: chosen })].flatMap((role) => role ?? []),
    streaming: true,
    requiresConverged: false,
    unreachable: hinders.fromAny === true ? 'go-on' : 'tell',
    remaining: (run) => ({ steps: hinders.steps(run) }),
    nothing: (run) => words(run.inventory, hinders.unasked(run)),
    finished: (run) => words(run.inventory, hinders.unasked(run)),
    leaves: (run) => left(run.inventory, hinders.unasked(run)),
  });

  function words(inventory: Inventory, unasked: string | undefined): string {
    return [givenUp(record, inventory), ...(unasked === undefined || hinders.fromAny === true ? [] : [unasked])].join('. ');
  }

  function left(inventory: Inventory, unasked: string | undefined): LeftOver[] {
    if (unasked === undefined || hinders.fromAny !== true) return [];
    return [{ kind: 'unreachable', message: unasked, hint: `see ${pgprov`status ${inventory}`} once it answers` }];
  }
}

function givenUp(record: OperationRecord, inventory: Inventory): string {
  return `${describeOperation(record)} is given up; the cluster stays as it is, see ${pgprov`status ${inventory}`}`;
}
