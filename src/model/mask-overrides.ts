import { redact } from '../lib/secret.js';
import { holdsSecret } from './overrides.js';
import type { RoleSchema } from './role-schema.js';
import { inventorySchemas } from './schema.js';

/**
 * Valid `--set` options of an inventory that was loaded with them, with `***` for the whole value where it is a
 * secret, holds one, or looks as if it did.
 */
export function maskSecretOverrides(set: readonly string[], roles: readonly RoleSchema[]): string[] {
  if (set.length === 0) return [];
  const { sections } = inventorySchemas(roles);
  return set.map((text) => (holdsSecret(text, sections) || redact(text) !== text ? `${text.slice(0, text.indexOf('=')).trim()}=***` : text));
}
