import type { Secret } from '../lib/secret.js';
import type { Host } from './inventory.js';
import type { JsonType, VariableSchema, VariablesSchema } from './role-schema.js';

/** Types of values by the names that JSON Schema has for them, where a schema says no more. */
interface ByName {
  string: string;
  integer: number;
  number: number;
  boolean: boolean;
  null: null;
  array: readonly unknown[];
  object: Readonly<Record<string, unknown>>;
}

/** The type of a resolved value by its schema, which must be a constant: `as const satisfies VariableSchema`. */
export type FromSchema<Schema> = Schema extends { secret: true }
  ? Secret
  : Schema extends { enum: readonly (infer Value)[] }
    ? Value
    : Schema extends { type: 'array'; items: infer Items }
      ? readonly FromSchema<Items>[]
      : Schema extends { type: 'object'; additionalProperties: infer Values extends VariableSchema }
        ? Readonly<Record<string, FromSchema<Values>>>
        : Schema extends { type: 'object'; properties: infer Properties extends Readonly<Record<string, VariableSchema>> }
          ? FromProperties<Properties, Schema extends { required: readonly (infer Name)[] } ? Name : never>
          : Schema extends { type: infer Name extends JsonType }
            ? ByName[Name]
            : Schema extends { type: readonly (infer Name extends JsonType)[] }
              ? ByName[Name]
              : unknown;

/** The names of the variables that have a default, so that every host with the role has them. */
type Given<Properties> = { [Name in keyof Properties]: Properties[Name] extends { default: unknown } ? Name : never }[keyof Properties];

/** A mapping with these keys, of which those that are neither required nor have a default may be absent. */
type FromProperties<Properties, Required = never> = {
  readonly [Name in Given<Properties> | (Required & keyof Properties)]: FromSchema<Properties[Name]>;
} & {
  readonly [Name in Exclude<keyof Properties, Given<Properties> | Required>]?: FromSchema<Properties[Name]>;
};

/** The type of a role's resolved variables by their schema, a constant: those without a default may be absent. */
export type FromVariables<Schema extends VariablesSchema> = FromProperties<Schema['properties']>;

/**
 * A role's resolved variables on a host, with the types of their schema.
 * @param _schema that of the role, for the types alone; `as const satisfies VariablesSchema`
 * @throws RangeError for a host that does not have the role: its inventory gives no variables of it
 */
export function variablesOf<const Schema extends VariablesSchema>(host: Host, role: string, _schema: Schema): FromVariables<Schema> {
  const values = host.vars[role];
  if (values === undefined) throw new RangeError(`${host.name} does not have the role ${role}, and so none of its variables`);
  return values as FromVariables<Schema>;
}
