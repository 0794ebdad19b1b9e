import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import { packageRoot } from '../../src/lib/package-root.js';

let compiled: ValidateFunction | undefined;

/**
 * Insists that lines of `--output json`, or of a journal, are as docs/events.schema.json says, without a field that it
 * does not name.
 * @throws Error with the first line that is not
 */
export function assertDocumented(text: string): void {
  const fits = (compiled ??= compile());
  const lines = text.split('\n').filter((line) => line !== '');
  if (lines.length === 0) throw new Error('there are no lines');
  for (const line of lines) {
    const event = JSON.parse(line) as { type: string };
    if (event.type !== 'journal' && !fits(event))
      throw new Error(`not as docs/events.schema.json says: ${JSON.stringify(fits.errors)}\n${line}`);
  }
}

function compile(): ValidateFunction {
  const schema = JSON.parse(readFileSync(join(packageRoot(), 'docs', 'events.schema.json'), 'utf8')) as object;
  return new Ajv({ strictTypes: false, validateFormats: false, discriminator: true, allErrors: true }).compile(closed(schema));
}

/** The published schema lets fields be added; here each must be documented. */
function closed<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(closed) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, entry]) => [key, closed(entry)] as const);
  const isObject = 'type' in value && value.type === 'object' && 'properties' in value && !('additionalProperties' in value);
  return Object.fromEntries([...entries, ...(isObject ? [['additionalProperties', false] as const] : [])]) as Value;
}
