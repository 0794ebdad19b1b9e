import { ExitCode, InputError } from '../../lib/errors.js';
import { describeChange, type VariableSchema } from '../../model/index.js';
import type { Role } from '../../plan/role.js';
import { catalogFor } from '../catalog.js';

/** `pgprov roles [NAME]`: the catalog, or one role with its variables. */
export async function roles(name: string | undefined, { inventory }: { inventory?: string }): Promise<ExitCode> {
  const catalog = await catalogFor(inventory);
  const width = Math.max(...catalog.map((role) => role.name.length)) + 1;
  const lines =
    name === undefined ? catalog.map((role) => `${role.name.padEnd(width)} ${role.description}`) : describe(find(catalog, name));
  process.stdout.write(`${lines.join('\n')}\n`);
  return ExitCode.done;
}

function find(catalog: readonly Role[], name: string): Role {
  const role = catalog.find((candidate) => candidate.name === name);
  if (role !== undefined) return role;
  throw new InputError({
    kind: 'aim/unknown-role',
    message: `there is no role ${JSON.stringify(name)}`,
    hint: `the roles are ${catalog.map((candidate) => candidate.name).join(', ')}; those of an inventory’s rolesPath: --inventory FILE`,
  });
}

function describe(role: Role): string[] {
  const requires = role.requires === undefined ? [] : [`Requires on the same host: ${role.requires.join(', ')}.`];
  const variables = Object.entries(role.variables.properties).flatMap(([key, schema]) => [
    '',
    `  ${role.name}.${key} (${typeOf(schema)}${defaultOf(schema)}${changeOf(schema)})`,
    `      ${schema.description ?? ''}`,
  ]);
  return [`${role.name}: ${role.description}`, ...requires, '', 'Variables:', ...variables];
}

function typeOf(schema: VariableSchema): string {
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type ?? 'any');
  const choice = schema.enum === undefined ? type : schema.enum.map(String).join(' | ');
  const additive = schema.additive === true ? `${choice}, roles may add` : choice;
  return schema.secret === true ? `${additive}, secret` : additive;
}

function changeOf({ change }: VariableSchema): string {
  return change === undefined ? '' : `; change: ${describeChange(change)}`;
}

function defaultOf(schema: VariableSchema): string {
  return schema.default === undefined ? '' : `, default ${JSON.stringify(schema.default)}`;
}
