import type { Host } from '../../src/index.js';

/** ` (inventory.yml:12)`, ` (--set …)` or ` (the default)`: where a host's value comes from; '' where that is not known. */
export function placeOf(host: Host, variable: string): string {
  const from = host.provenance.get(variable);
  if (from === undefined) return '';
  if (from.kind === 'default') return ' (the default)';
  return from.file === undefined ? ` (${from.via ?? '--set'})` : ` (${from.file}:${from.line})`;
}
