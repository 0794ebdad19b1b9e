import { describeChange } from './change-words.js';
import type { RoleSchema, VariableSchema } from './role-schema.js';
import { inventorySchemas } from './schema.js';
import { SSH_SCHEMA } from './ssh-schema.js';
import { describeExpected } from './words.js';

const INTRODUCTION = `# Inventory reference

Generated from the schema that \`pgprov validate\` uses; do not edit. Annotated examples are in
[inventory/](../inventory/). For completion in an editor, start an inventory with
\`# yaml-language-server: $schema=<path to docs/inventory.schema.json>\`.

An inventory is one YAML file and describes one cluster. Anchors, aliases and merge keys (\`<<\`) work.

## Where a value comes from

The settings of a role stand in a section that is named like the role; \`ssh\` is a section too. Sections may stand at
the top level, in groups and in hosts. From weakest to strongest:

1. the default of the variable, and what roles of your own add to it ([extending.md](extending.md)),
2. the top level,
3. the groups of the host, in the order in which they are listed under \`groups\`,
4. the host,
5. \`--set SECTION.KEY=VALUE\` on the command line, for every host,
6. \`--set HOST:SECTION.KEY=VALUE\`, for one host.

Mappings merge key by key; lists and single values replace. \`null\` takes an inherited value away, which leaves the
default. \`roles\` follows the same order and always replaces. \`pgprov show\` prints every value with its origin.

In \`--set\`, a key that holds dots is put in double quotes (\`patroni.dynamic."a.b"=1\`); in mappings of plain values,
such as PostgreSQL parameters, the quotes may be left out.

Variables marked *cluster* must be the same on every host that has the role.

## What a change means

The column *Change* says what it takes to change a value on a cluster that exists; [changes.md](changes.md) has the whole story.

| word | meaning |
|---|---|
| free | nothing that runs has to take it over |
| reload | the services take it over while they run |
| restart | what reads it restarts, one host at a time, the leader's last |
| reload or restart | a parameter of PostgreSQL; \`context\` in \`pg_settings\` decides which. pgprov reports a pending restart, and \`pgprov restart --pending\` carries it out |
| recreate | fixed when the cluster was made: another value is refused (exit code 4) |
| operation | what it takes is that operation; a run of \`apply\` refuses another value (exit code 4) |

## Secrets

A variable marked *secret* takes a string, or says where the secret is kept: \`{env: NAME}\` in an environment variable,
\`{file: path}\` in a file that others cannot read (one newline at its end is dropped), \`{command: [program, argument]}\` in
what a program prints, or \`{age: secrets.age, key: NAME}\` in a store that is encrypted with age; see [secrets.md](secrets.md).
Secrets are never shown. What is *given like a secret* takes the same forms; everyone may read its file.
`;

/** The reference page of inventories with these roles, in Markdown, from the schemas that validation uses. */
export function inventoryReference(roles: readonly RoleSchema[]): string {
  const { top, group, host, sections } = inventorySchemas(roles);
  const own = (schema: VariableSchema): VariableSchema => ({
    properties: Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([key]) => !sections.has(key))),
    required: schema.required ?? [],
  });
  const parts = [
    INTRODUCTION,
    `## Top level\n\n${table(own(top))}`,
    `## hosts.&lt;name&gt;\n\n${table(own(host))}`,
    `## groups.&lt;name&gt;\n\n${table(own(group))}`,
    `## ssh\n\n${SSH_SCHEMA.description ?? ''}\n\n${table(SSH_SCHEMA)}`,
    ...roles.map(roleReference),
  ];
  return `${parts.map((part) => part.trim()).join('\n\n')}\n`;
}

function roleReference(role: RoleSchema): string {
  const needs = role.requires?.length ? `\n\nNeeds on the same host: ${role.requires.map(code).join(', ')}.` : '';
  const variables = Object.keys(role.variables.properties).length === 0 ? 'No variables.' : table(role.variables);
  const more = role.variables.description === undefined ? '' : `\n\n${role.variables.description}`;
  return `## ${role.name}\n\n${role.description}${needs}${more}\n\n${variables}`;
}

function table(schema: VariableSchema): string {
  const lines = rows(schema, '').map((cells) => `| ${cells.map(escapeCell).join(' | ')} |`);
  return ['| Key | Value | Default | Change | Description |', '|---|---|---|---|---|', ...lines].join('\n');
}

function rows(schema: VariableSchema, prefix: string): string[][] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, child]) => {
    const marks = [
      schema.required?.includes(key) ? '*required*' : '',
      child.scope === 'cluster' ? '*cluster*' : '',
      child.public ? '*given like a secret*' : child.secret ? '*secret*' : '',
    ].filter((mark) => mark !== '');
    const examples = child.examples?.length ? `Example: ${child.examples.map(inline).join(', ')}.` : '';
    const text = [child.description ?? '', examples, marks.join(', ')].filter((part) => part !== '').join(' ');
    const fallback = child.default === undefined || child.secret ? '' : inline(child.default);
    const change = child.change === undefined ? '' : describeChange(child.change);
    return [[code(`${prefix}${key}`), describeExpected(child), fallback, change, text], ...rows(child, `${prefix}${key}.`)];
  });
}

function inline(value: unknown): string {
  return code(typeof value === 'string' ? value || '""' : JSON.stringify(value));
}

function code(text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``;
}

/** Text that a table cell shows as it is; what stands in backquotes needs no escape for `<`. */
function escapeCell(text: string): string {
  const shown = text.split(/(`[^`]*`)/u).map((part, index) => (index % 2 === 0 ? part.replaceAll('<', '&lt;') : part));
  return shown
    .join('')
    .replaceAll('|', '\\|')
    .replace(/\s*\n\s*/gu, ' ');
}
