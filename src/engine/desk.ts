import type { Desk } from '../plan/operation.js';
import type { OperateOptions } from './operate-options.js';

/** What a step on the control machine works with, opened now. */
export async function deskOf<Options extends object>({
  openStore,
  putSecret,
  markAbsent,
  writeInventory,
  inventory,
  emit,
}: Pick<OperateOptions<Options>, 'openStore' | 'putSecret' | 'markAbsent' | 'writeInventory' | 'inventory' | 'emit'>): Promise<Desk> {
  return {
    store: await openStore({ writable: true }),
    put: putSecret,
    write: writeInventory ?? nowhere,
    markAbsent: async (host) => {
      if (await markAbsent(host)) return;
      const text = `${inventory.file} is not written in a way in which pgprov could change a line of it: write \`absent: true\` below ${host} there, or take it out`;
      emit({ type: 'warning', text });
    },
  };
}

function nowhere(): never {
  throw new RangeError('there is no inventory that could be written');
}
