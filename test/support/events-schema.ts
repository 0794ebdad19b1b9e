import { join } from 'node:path';
import {
  AnyType,
  createFormatter,
  createParser,
  createProgram,
  DefinitionType,
  SchemaGenerator,
  ts,
  type CompletedConfig,
  type Schema,
  type SubNodeParser,
} from 'ts-json-schema-generator';
import { packageRoot } from '../../src/lib/package-root.js';
import { EVENTS_SCHEMA } from '../../src/report/json.js';

type Definition = Schema & { properties: Record<string, Schema>; required: string[] };

const AT: Schema = { type: 'string', format: 'date-time', description: 'When it happened (ISO 8601, UTC).' };
const VERSION: Schema = { const: EVENTS_SCHEMA, description: 'Raised when a program that reads the lines could misread what is written.' };

const CONFIG: CompletedConfig = {
  path: join(packageRoot(), 'src/{events,report/json}.ts'),
  tsconfig: join(packageRoot(), 'tsconfig.json'),
  type: '*',
  expose: 'export',
  topRef: true,
  jsDoc: 'extended',
  markdownDescription: false,
  sortProps: false,
  strictTuples: false,
  skipTypeCheck: true,
  encodeRefs: true,
  minify: false,
  extraTags: [],
  additionalProperties: false,
  discriminatorType: 'json-schema',
  functions: 'comment',
};

/** Lines have errors as plain objects. */
const asErrorLine: SubNodeParser = {
  supportsNode: (node) => ts.isClassDeclaration(node) && node.name?.text === 'PgprovError',
  createType: () => new DefinitionType('ErrorLine', new AnyType()),
};

/** The schema of the lines of `--output json`, made of the types of the events. */
export function eventsSchema(): Schema {
  const program = createProgram(CONFIG);
  const generator = new SchemaGenerator(
    program,
    createParser(program, CONFIG, (parser) => parser.addNodeParser(asErrorLine)),
    createFormatter(CONFIG),
    CONFIG,
  );
  const of = (type: string): Record<string, Definition> => generator.createSchema(type).definitions as Record<string, Definition>;
  const { RunEvent, ...events } = { ...of('RunEvent'), ...of('TimingsLine'), ...of('ErrorLine') };
  const names = [
    ...((RunEvent as Schema).anyOf ?? []).map(
      (entry) =>
        String((entry as Schema).$ref)
          .split('/')
          .at(-1) ?? '',
    ),
    'TimingsLine',
  ];
  const definitions = Object.fromEntries(
    Object.entries(events).map(([name, definition]) => [name, names.includes(name) ? asLine(definition) : definition]),
  );
  return opened({
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'A line of `pgprov apply --output json`, and of `plan`, `run` and the journal',
    description: 'Readers pass over types and fields that they do not know: new ones may come with any version.',
    type: 'object',
    discriminator: { propertyName: 'type' },
    required: ['type'],
    oneOf: names.map((name) => ({ $ref: `#/definitions/${name}` })),
    definitions,
  } as Schema);
}

function asLine({ properties: { type, ...properties }, required, ...rest }: Definition): Definition {
  const version = (type as Schema).const === 'run-start' ? { schema: VERSION } : {};
  return {
    ...rest,
    properties: { type: type as Schema, at: AT, ...version, ...properties },
    required: ['type', 'at', ...Object.keys(version), ...required.filter((name) => name !== 'type')],
  };
}

/** Readers are to take fields that they do not know. */
function opened<Value>(value: Value): Value {
  if (Array.isArray(value)) return value.map(opened) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, entry]) => key !== 'additionalProperties' || entry !== false)
      .map(([key, entry]) => [key, opened(entry)]),
  ) as Value;
}
