import type { Desk } from '../plan/operation.js';
import type { OperateOptions } from './operate-options.js';

/** What a step on the control machine works with, opened now. */
export async function deskOf<Options extends object>({
  openStore,
  putSecret,
}: Pick<OperateOptions<Options>, 'openStore' | 'putSecret'>): Promise<Desk> {
  return { store: await openStore({ writable: true }), put: putSecret };
}
