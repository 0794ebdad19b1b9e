import { didYouMean } from '../lib/nearest.js';
import type { Operation, OptionSchema } from '../plan/operation.js';

/** What an operation of a user's is checked against. */
export interface Known {
  /** Names that it must not have: pgprov's commands, and its operations of one word. */
  commands: readonly string[];
  /** Options that every operation has, by their names in code: `giveUp`. */
  options: readonly string[];
  /** Names of all roles. */
  roles: readonly string[];
}

type Kind = 'text' | 'mapping' | 'function' | 'boolean' | 'seconds' | 'roles' | 'unreachable' | 'true' | 'pgprov';

/** Every property of an operation, and what it must be; `pgprov`: only those that come with it may have it. */
const PROPERTIES: Readonly<Record<keyof Operation, Kind>> = {
  name: 'text',
  description: 'text',
  options: 'mapping',
  aims: 'pgprov',
  typed: 'pgprov',
  argument: 'pgprov',
  takesSource: 'pgprov',
  sourceClient: 'pgprov',
  inventory: 'pgprov',
  choosesHosts: 'true',
  roles: 'roles',
  requiresConverged: 'boolean',
  unreachable: 'unreachable',
  holdsMembers: 'pgprov',
  inspects: 'true',
  patience: 'seconds',
  keptInStore: 'pgprov',
  changesNothing: 'pgprov',
  streaming: 'true',
  readsSnapshots: 'pgprov',
  observations: 'function',
  problems: 'function',
  goesOn: 'pgprov',
  guards: 'function',
  bears: 'pgprov',
  choose: 'function',
  remaining: 'function',
  back: 'pgprov',
  hinders: 'pgprov',
  question: 'function',
  nothing: 'function',
  checks: 'function',
  finished: 'function',
  leaves: 'function',
  answer: 'pgprov',
  broken: 'function',
};

const REQUIRED: readonly string[] = ['name', 'description', 'options', 'roles', 'remaining'];

const WORDS: Readonly<Record<Exclude<Kind, 'pgprov'>, string>> = {
  text: 'a text that is not empty',
  mapping: 'a mapping, which may be empty',
  function: 'a function',
  boolean: 'true or false',
  seconds: 'a number of seconds',
  roles: 'a list of names of roles, or a function that gives one',
  unreachable: "'refuse', 'go-on' or 'tell'",
  true: 'true, or left out',
};

/** What an operation of a user's has in the place of what only pgprov's may have. */
const INSTEAD: Readonly<Record<string, string>> = {
  argument: 'make it one of its options',
  takesSource: 'an operation of yours has one inventory',
  sourceClient: 'an operation of yours has one inventory',
  changesNothing: 'every operation of yours may change hosts',
  back: 'what it has begun is finished by the same command',
  readsSnapshots: 'an operation of yours goes by what is seen on the hosts',
};

/** What is wrong with what an operation's file exports, in words that follow the file; nothing: it is an operation. */
export function operationProblems(value: unknown, fileName: string, known: Known): string[] {
  if (value === undefined) return ['exports no operation; end it with `export default defineOperation({ … })`'];
  if (!isMapping(value)) return ['its default export is not an operation; make it with `defineOperation({ … })`'];
  const problems = [
    ...Object.entries(PROPERTIES).flatMap(([name, kind]) => propertyProblems(name, value[name], kind)),
    ...Object.keys(value)
      .filter((name) => !Object.hasOwn(PROPERTIES, name))
      .map((name) => unknownProperty(`an operation has no ${JSON.stringify(name)}`, name, Object.keys(PROPERTIES))),
  ];
  if (problems.length > 0) return problems;
  const { name, options, roles } = value as unknown as Operation;
  return [
    ...nameProblems(name, fileName, known),
    ...Object.entries(options).flatMap(([option, schema]) => optionProblems(option, schema, known)),
    ...(typeof roles === 'function' ? [] : roles.filter((role) => !known.roles.includes(role))).map((role) =>
      unknownProperty(`roles names ${JSON.stringify(role)}, which is no role`, role, known.roles),
    ),
  ];
}

function propertyProblems(name: string, value: unknown, kind: Kind): string[] {
  if (value === undefined) return REQUIRED.includes(name) ? [`${name} is missing; it must be ${WORDS[kind as keyof typeof WORDS]}`] : [];
  if (kind === 'pgprov') {
    return [
      `${name} is for the operations that come with pgprov; leave it out, ${INSTEAD[name] ?? 'what was begun is kept in its record'}`,
    ];
  }
  return fits(value, kind) ? [] : [`${name} must be ${WORDS[kind]}`];
}

function fits(value: unknown, kind: Exclude<Kind, 'pgprov'>): boolean {
  const isFunction = typeof value === 'function';
  const isList = Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'string');
  const checks: Readonly<Record<typeof kind, boolean>> = {
    text: typeof value === 'string' && value !== '',
    mapping: isMapping(value),
    function: isFunction,
    boolean: typeof value === 'boolean',
    seconds: typeof value === 'number' && value >= 0,
    roles: isFunction || isList,
    unreachable: value === 'refuse' || value === 'go-on' || value === 'tell',
    true: value === true,
  };
  return checks[kind];
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function unknownProperty(message: string, name: string, names: readonly string[]): string {
  const meant = didYouMean(name, names);
  return meant === undefined ? message : `${message}; ${meant}`;
}

function nameProblems(name: string, fileName: string, { commands }: Known): string[] {
  if (!/^[a-z][a-z0-9_-]{0,62}$/u.test(name)) return ['name must be of lower-case letters, digits, - and _, with a letter first'];
  if (name !== fileName) return [`its operation is called ${JSON.stringify(name)}; file and operation must have the same name`];
  return commands.includes(name) ? [`\`pgprov ${name}\` is a command of pgprov's own; give the operation another name`] : [];
}

const OPTION_TYPES: readonly unknown[] = ['string', 'integer', 'boolean'] satisfies OptionSchema['type'][];
const OPTION_PROPERTIES = [
  'type',
  'description',
  'value',
  'default',
  'pattern',
  'expects',
  'minimum',
  'answers',
  'enum',
] satisfies (keyof OptionSchema)[];

function optionProblems(option: string, schema: unknown, { options }: Known): string[] {
  const place = `options.${option}`;
  if (!/^[a-z][A-Za-z0-9]{0,62}$/u.test(option)) return [`${place}: its name must be of letters and digits, such as leaveOut`];
  if (options.includes(option)) return [`${place}: every operation has this option already; give it another name`];
  if (!isMapping(schema)) return [`${place} must be a mapping`];
  const { type, description, pattern } = schema as Partial<OptionSchema>;
  const fallback = schema['default'];
  const expected = type === 'integer' ? Number.isInteger(fallback) : typeof fallback === type;
  return [
    ...Object.keys(schema)
      .filter((name) => !OPTION_PROPERTIES.some((property) => property === name))
      .map((name) => unknownProperty(`${place}: an option has no ${JSON.stringify(name)}`, name, OPTION_PROPERTIES)),
    ...(OPTION_TYPES.includes(type) ? [] : [`${place}.type must be one of ${OPTION_TYPES.join(', ')}`]),
    ...(fits(description, 'text') ? [] : [`${place}.description must be ${WORDS.text}`]),
    ...(fallback === undefined || expected ? [] : [`${place}.default must be of its type`]),
    ...(pattern === undefined || isPattern(pattern) ? [] : [`${place}.pattern must be a regular expression as a text`]),
  ];
}

function isPattern(value: unknown): boolean {
  try {
    return typeof value === 'string' && new RegExp(value, 'u') instanceof RegExp;
  } catch {
    return false;
  }
}
