import { loadAjv } from './ajv.js';
import { CHANGES } from './change-words.js';
import { closed } from './closed-schema.js';
import { formatPath, withoutNulls } from './mapping.js';
import type { VariableSchema, VariablesSchema } from './role-schema.js';

/** What is wrong with the schema of a role's variables; for schemas that no test of ours has seen. */
export async function schemaProblems(variables: VariablesSchema): Promise<string[]> {
  const ajv = await loadAjv({}, false);
  if (ajv.validateSchema(variables) !== true) {
    return (ajv.errors ?? []).map(
      ({ instancePath, message }) => `variables${instancePath.replaceAll('/', '.')} ${message ?? 'is no JSON Schema'}`,
    );
  }
  const unknown = unknownChanges(variables, 'variables');
  if (unknown.length > 0) return unknown;
  try {
    ajv.compile(closed(variables));
  } catch (error) {
    return [`variables: ${(error as Error).message}`];
  }
  return Object.entries(variables.properties).flatMap(([key, schema]) => {
    if (schema.default === undefined || schema.secret === true) return [];
    const validate = ajv.compile(closed(schema));
    if (validate(withoutNulls(schema.default))) return [];
    return [
      `variables.properties.${formatPath([key])}: the default is none of the values that it allows: ${ajv.errorsText(validate.errors)}`,
    ];
  });
}

/** Variables, also nested ones, that say of a change what no role can mean. */
function unknownChanges(schema: VariableSchema, at: string): string[] {
  const change = schema.change as unknown;
  const isOperation = typeof change === 'object' && change !== null && typeof (change as { operation?: unknown }).operation === 'string';
  const own =
    change === undefined || isOperation || (CHANGES as readonly unknown[]).includes(change)
      ? []
      : [`${at}.change must be ${CHANGES.map(String).join(', ')} or { operation: '…' }`];
  const nested = Object.entries(schema.properties ?? {}).flatMap(([key, child]) =>
    unknownChanges(child, `${at}.properties.${formatPath([key])}`),
  );
  return [...own, ...nested];
}
