import { loadAjv } from './ajv.js';
import { closed } from './closed-schema.js';
import { formatPath, withoutNulls } from './mapping.js';
import type { VariablesSchema } from './role-schema.js';

/** What is wrong with the schema of a role's variables; for schemas that no test of ours has seen. */
export async function schemaProblems(variables: VariablesSchema): Promise<string[]> {
  const ajv = await loadAjv({}, false);
  if (ajv.validateSchema(variables) !== true) {
    return (ajv.errors ?? []).map(({ instancePath, message }) => `variables${instancePath.replaceAll('/', '.')} ${message ?? 'is no JSON Schema'}`);
  }
  try {
    ajv.compile(closed(variables));
  } catch (error) {
    return [`variables: ${(error as Error).message}`];
  }
  return Object.entries(variables.properties).flatMap(([key, schema]) => {
    if (schema.default === undefined || schema.secret === true) return [];
    const validate = ajv.compile(closed(schema));
    if (validate(withoutNulls(schema.default))) return [];
    return [`variables.properties.${formatPath([key])}: the default is none of the values that it allows: ${ajv.errorsText(validate.errors)}`];
  });
}
