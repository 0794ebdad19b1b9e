import { pgprov, topologyOf, type Inventory, type Objection, type View } from '../../../index.js';
import { guardStreaming } from '../../../../roles/shared/streaming/guards.js';
import { primaryOf } from '../../../../roles/shared/streaming/seen.js';

/** Whether an inventory has servers that stream without Patroni. */
export function streams({ hosts }: Pick<Inventory, 'hosts'>): boolean {
  return hosts.some((host) => topologyOf(host) === 'streaming');
}

/** The server that takes writes, or what keeps that from being told. */
export function primarySeen(view: View): { name: string } | { objection: Pick<Objection, 'message' | 'hint'> } {
  const primary = primaryOf(view);
  if (primary?.says !== undefined) return { name: primary.name };
  const [objection] = guardStreaming(view);
  if (objection !== undefined) return { objection };
  const { inventory } = view;
  return { objection: { message: `no server of ${inventory.cluster} takes writes`, hint: `see ${pgprov`status ${inventory}`}` } };
}
