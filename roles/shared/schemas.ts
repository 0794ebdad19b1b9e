import type { VariableSchema } from '../../src/index.js';

/**
 * A directory that is given away to a service. No component is `.` or `..`, and there is at least one, because `/..` and `//`
 * are the root; no longer than every file below it can be named in the 1024 bytes that PostgreSQL has for a path.
 */
export const DIRECTORY = {
  type: 'string',
  pattern: '^(/+(?!\\.{1,2}(/|$))[^/\\u0000-\\u001f\\u007f]+)+/*$',
  maxLength: 255,
  expects: 'an absolute path without . and .., of 255 characters at most',
} as const satisfies VariableSchema;

/** The name of a host of the inventory; which ones there are is for the role to say. */
export const HOST_NAME = {
  type: 'string',
  pattern: '^[^\\u0000-\\u001f\\u007f]{1,253}$',
  expects: 'the name of a host',
} as const satisfies VariableSchema;

/** A database role, as PostgreSQL takes it without quotes; the names that SQL reads otherwise are none. */
export const ROLE_NAME = {
  type: 'string',
  pattern: '^(?!pg_|public$|none$)[a-z_][a-z0-9_]{0,62}$',
  expects: 'a role name',
  scope: 'cluster',
} as const satisfies VariableSchema;

/**
 * PostgreSQL 13 takes no longer ones, and SASLprep leaves these characters as they are. Patroni makes its roles in a DO
 * block, which two dollar signs would end.
 */
export const PASSWORD = {
  type: 'string',
  pattern: '^(?!.*\\$\\$)[ -~]{1,1000}$',
  expects: 'printable ASCII characters, 1000 at most, without $$',
  secret: true,
  scope: 'cluster',
} as const satisfies VariableSchema;

/** A version as the program calls itself, without the revision of a package; unquoted, YAML would make 17.1 of 17.10. */
export const VERSION = {
  type: 'string',
  pattern: '^\\d+(?:\\.\\d+)+$',
  expects: 'numbers with dots between them, such as "4.0.7"',
} as const;
