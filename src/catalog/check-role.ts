import { didYouMean } from '../lib/nearest.js';
import { inventorySchemas, schemaProblems } from '../model/index.js';
import type { Role } from '../plan/role.js';

/** What a property of a role may be. */
type Kind = 'string' | 'list' | 'things' | 'object' | 'function' | 'flag';

/** Every property of a role, what it must be, and whether it must be there. */
export const ROLE_PROPERTIES: Readonly<Record<keyof Role, { kind: Kind; required?: true }>> = {
  name: { kind: 'string', required: true },
  description: { kind: 'string', required: true },
  variables: { kind: 'object', required: true },
  isStore: { kind: 'flag' },
  requires: { kind: 'list' },
  after: { kind: 'list' },
  before: { kind: 'list' },
  contributes: { kind: 'function' },
  reasons: { kind: 'function' },
  problems: { kind: 'function' },
  warnings: { kind: 'function' },
  ports: { kind: 'function' },
  protocols: { kind: 'function' },
  entrances: { kind: 'function' },
  patience: { kind: 'function' },
  install: { kind: 'function' },
  stages: { kind: 'function', required: true },
  observations: { kind: 'function' },
  inspections: { kind: 'function' },
  saves: { kind: 'function' },
  tls: { kind: 'function' },
  leadership: { kind: 'object' },
  holdsData: { kind: 'function' },
  passwords: { kind: 'function' },
  ownPasswords: { kind: 'things' },
  declaredPasswords: { kind: 'function' },
  preflight: { kind: 'function' },
  missingPrerequisites: { kind: 'function' },
  guards: { kind: 'function' },
  outdated: { kind: 'function' },
  strangers: { kind: 'function' },
  effects: { kind: 'function' },
  drift: { kind: 'function' },
  checks: { kind: 'function' },
  notices: { kind: 'function' },
  remarks: { kind: 'function' },
  status: { kind: 'function' },
  diagnoses: { kind: 'things' },
};

const WORDS: Readonly<Record<Kind, string>> = {
  string: 'a text that is not empty',
  list: 'a list of names of roles',
  things: 'a list of mappings',
  object: 'a mapping',
  function: 'a function',
  flag: 'true, or left out',
};

/** What is wrong with what a role file exports, in words that follow the file; nothing: it is a role. */
export async function roleProblems(value: unknown, fileName: string): Promise<string[]> {
  if (value === undefined) return ['exports no role; end it with `export default defineRole({ … })`'];
  if (typeof value !== 'object' || value === null) return ['its default export is not a role; make it with `defineRole({ … })`'];
  const given = value as Readonly<Record<string, unknown>>;
  const problems = [
    ...Object.entries(ROLE_PROPERTIES).flatMap(([name, { kind, required }]) =>
      propertyProblems(name, given[name], kind, required === true),
    ),
    ...Object.keys(given)
      .filter((name) => !Object.hasOwn(ROLE_PROPERTIES, name))
      .map((name) => unknownProperty(name)),
  ];
  if (problems.length > 0) return problems;
  const role = value as Role;
  return [...nameProblems(role.name, fileName), ...(await variableProblems(role))];
}

function propertyProblems(name: string, value: unknown, kind: Kind, required: boolean): string[] {
  if (value === undefined) return required ? [`${name} is missing; it must be ${WORDS[kind]}`] : [];
  return fits(value, kind) ? [] : [`${name} must be ${WORDS[kind]}`];
}

function fits(value: unknown, kind: Kind): boolean {
  if (kind === 'string') return typeof value === 'string' && value !== '';
  if (kind === 'list') return Array.isArray(value) && value.every((item) => typeof item === 'string');
  if (kind === 'things') return Array.isArray(value) && value.every((item) => fits(item, 'object'));
  if (kind === 'flag') return value === true;
  if (kind === 'function') return typeof value === 'function';
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownProperty(name: string): string {
  const meant = didYouMean(name, Object.keys(ROLE_PROPERTIES));
  return `a role has no ${JSON.stringify(name)}${meant === undefined ? '' : `; ${meant}`}`;
}

function nameProblems(name: string, fileName: string): string[] {
  if (!/^[a-z][a-z0-9_-]{0,62}$/u.test(name)) return ['name must be of lower-case letters, digits, - and _, with a letter first'];
  if (name !== fileName) return [`its role is called ${JSON.stringify(name)}; file and role must have the same name`];
  // A section is named like its role, and stands beside the keys of hosts, groups and the top level.
  const { top, group, host } = inventorySchemas([]);
  const taken = [top, group, host].some(({ properties }) => Object.hasOwn(properties, name));
  return taken ? [`${JSON.stringify(name)} is a key of inventories; give the role another name`] : [];
}

async function variableProblems({ variables }: Role): Promise<string[]> {
  const { type, properties } = variables as Partial<Role['variables']>;
  if (type !== 'object' || !fits(properties, 'object'))
    return ["variables must have type: 'object' and properties: { … }, which may be empty"];
  return schemaProblems(variables);
}
