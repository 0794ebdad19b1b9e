/** Names of the JSON types, as JSON Schema spells them. */
export type JsonType = 'string' | 'integer' | 'number' | 'boolean' | 'object' | 'array' | 'null';

/**
 * JSON Schema (draft-07) of one variable, with the few keywords of our own that drive resolution and messages.
 * An object with `properties` is closed: other keys are errors unless `additionalProperties` says otherwise.
 */
export interface VariableSchema {
  /** Short name for editors; default: the key. */
  title?: string;
  /** What the variable is for, with its unit, in one or two sentences; the reference page shows it. */
  description?: string;
  type?: JsonType | readonly JsonType[];
  /** Value of a host that nothing else gives one. */
  default?: unknown;
  examples?: readonly unknown[];
  enum?: readonly (string | number | boolean | null)[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  pattern?: string;
  items?: VariableSchema;
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  properties?: Readonly<Record<string, VariableSchema>>;
  required?: readonly string[];
  additionalProperties?: boolean | VariableSchema;
  propertyNames?: VariableSchema;
  minProperties?: number;
  maxProperties?: number;
  anyOf?: readonly VariableSchema[];
  oneOf?: readonly VariableSchema[];
  /** What a value must be, in words that follow "must be", for schemas that words say better than a pattern. */
  expects?: string;
  /** The value becomes a `Secret`; the inventory may also say `{env: NAME}` or `{file: path}`. */
  secret?: true;
  /** `cluster`: every host that has the role must resolve to the same value. */
  scope?: 'cluster';
}

/** Schema of one role's section: a closed mapping of variables. */
export interface VariablesSchema extends VariableSchema {
  type: 'object';
  properties: Readonly<Record<string, VariableSchema>>;
}

/** What the model must know of a role. */
export interface RoleSchema {
  /** Name of the role and of its section in the inventory. */
  name: string;
  /** One sentence for `pgprov roles` and the reference page. */
  description: string;
  variables: VariablesSchema;
  /** Roles that must be on the same host too. */
  requires?: readonly string[];
}
