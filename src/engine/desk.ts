import { InputError } from '../lib/errors.js';
import type { Desk } from '../plan/operation.js';
import type { OperateOptions } from './operate-options.js';

type Parts<Options extends object> = Pick<OperateOptions<Options>, 'openStore' | 'putSecret' | 'editInventory' | 'emit'>;

/** What a step on the control machine works with, opened now. */
export async function deskOf<Options extends object>({ openStore, putSecret, editInventory, emit }: Parts<Options>): Promise<Desk> {
  return {
    store: await openStore({ writable: true }),
    put: putSecret,
    write: async (edits, byHand) => {
      try {
        await editInventory(edits);
      } catch (error) {
        if (byHand === undefined || !(error instanceof InputError)) throw error;
        emit({ type: 'warning', text: `${error.message}: ${byHand}` });
      }
    },
  };
}
