import { InputError } from '../lib/errors.js';
import type { Desk, LeftOver } from '../plan/operation.js';
import type { OperateOptions } from './operate-options.js';

type Parts<Options extends object> = Pick<OperateOptions<Options>, 'openStore' | 'putSecret' | 'editInventory'>;

/**
 * What a step on the control machine works with, opened now.
 * @param leave notes what a person has to write
 */
export async function deskOf<Options extends object>(
  { openStore, putSecret, editInventory }: Parts<Options>,
  leave: (left: LeftOver) => void,
): Promise<Desk> {
  return {
    store: await openStore({ writable: true }),
    put: putSecret,
    write: async (edits, byHand) => {
      try {
        await editInventory(edits);
      } catch (error) {
        if (byHand === undefined || !(error instanceof InputError)) throw error;
        leave({ kind: 'preflight', error: 'inventory/by-hand', message: error.message, hint: byHand });
      }
    },
  };
}
