import { redact } from '../lib/secret.js';
import { holdsSecret } from './overrides.js';
import type { RoleSchema } from './role-schema.js';
import { inventorySchemas } from './schema.js';

/** Where a secret is kept, which is none itself. */
const REFERENCE = /^\s*\{\s*(?:env|file|command|age|key)\s*:[^{}]*\}\s*$/u;

/**
 * Valid `--set` options of an inventory that was loaded with them, with `***` for the whole value where it is a
 * secret, holds one, or looks as if it did.
 */
export function maskSecretOverrides(set: readonly string[], roles: readonly RoleSchema[]): string[] {
  if (set.length === 0) return [];
  const { sections } = inventorySchemas(roles);
  return set.map((text) => {
    const equals = text.indexOf('=');
    const value = text.slice(equals + 1);
    const looks = REFERENCE.test(value) ? redact(value) !== value : redact(text) !== text;
    return looks || holdsSecret(text, sections) ? `${text.slice(0, equals).trim()}=***` : text;
  });
}
