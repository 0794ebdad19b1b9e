import { ExitCode, InputError } from '../lib/errors.js';
import type { VariableSchema } from '../model/index.js';
import type { Role } from '../plan/role.js';
import { CATALOG } from '../../roles/index.js';

/** `pgprov roles [NAME]`: the catalog, or one role with its variables. */
export async function roles(name: string | undefined): Promise<ExitCode> {
  const lines = name === undefined ? CATALOG.map((role) => `${role.name.padEnd(12)} ${role.description}`) : describe(find(name));
  process.stdout.write(`${lines.join('\n')}\n`);
  return ExitCode.done;
}

function find(name: string): Role {
  const role = CATALOG.find((candidate) => candidate.name === name);
  if (role !== undefined) return role;
  throw new InputError({
    kind: 'aim/unknown-role',
    message: `there is no role ${JSON.stringify(name)}`,
    hint: `the roles are ${CATALOG.map((candidate) => candidate.name).join(', ')}`,
  });
}

function describe(role: Role): string[] {
  const requires = role.requires === undefined ? [] : [`Requires on the same host: ${role.requires.join(', ')}.`];
  const variables = Object.entries(role.variables.properties).flatMap(([key, schema]) => [
    '',
    `  ${role.name}.${key} (${typeOf(schema)}${defaultOf(schema)})`,
    `      ${schema.description ?? ''}`,
  ]);
  return [`${role.name}: ${role.description}`, ...requires, '', 'Variables:', ...variables];
}

function typeOf(schema: VariableSchema): string {
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : String(schema.type ?? 'any');
  const choice = schema.enum === undefined ? type : schema.enum.map(String).join(' | ');
  return schema.secret === true ? `${choice}, secret` : choice;
}

function defaultOf(schema: VariableSchema): string {
  return schema.default === undefined ? '' : `, default ${JSON.stringify(schema.default)}`;
}
