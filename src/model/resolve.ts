import type { Secret } from '../lib/secret.js';
import type { SecretReference } from '../secrets/reference.js';
import type { Checker } from './checker.js';
import type { DeferredVariable } from './deferred-secrets.js';
import type { SourceDocument } from './document.js';
import type { Provenance, Variables } from './inventory.js';
import { layersWith, originOf } from './layers.js';
import { deepFreeze, formatPath, isMapping, own } from './mapping.js';
import { overDefaults, overlay, toData } from './merge.js';
import type { Node } from './merge.js';
import type { Layer } from './outline.js';
import type { Report } from './report.js';
import type { VariableSchema } from './role-schema.js';
import type { SecretSource } from './secret-source.js';

/** What resolving needs besides the layers. */
export interface ResolveContext {
  document: SourceDocument;
  checker: Checker;
  secrets: SecretSource;
  report: Report;
  /** Gathers what is to be fetched later. */
  deferred: DeferredVariable[];
}

/** One section of one host: its values, and each leaf's provenance by dotted path. */
export interface ResolvedSection {
  values: Variables;
  provenance: [string, Provenance][];
}

/** Merges a section over all layers and opens its secrets; what cannot be opened is reported. */
export function resolveSection(name: string, schema: VariableSchema, layers: readonly Layer[], context: ResolveContext): ResolvedSection {
  let given: Node | undefined;
  for (const layer of layersWith(layers, name)) {
    given = overlay(given, own(layer.settings, name), schema, (path) => originOf(layer, context.document, path), [name]);
  }
  const node = overDefaults(given, schema);
  const provenance: [string, Provenance][] = [];
  if (node === undefined) return { values: deepFreeze({}), provenance };
  const values = toData(node, schema, [name], (value, leaf, path, from) => {
    const dotted = formatPath(path);
    if (path.length > 1)
      provenance.push([dotted, leaf?.secret && isMapping(value) ? { ...from, reference: value as SecretReference } : from]);
    return leaf?.secret ? openSecret(value, leaf, dotted, from, context) : structuredClone(value);
  });
  return { values: deepFreeze(isMapping(values) ? values : {}), provenance };
}

function openSecret(value: unknown, schema: VariableSchema, path: string, from: Provenance, context: ResolveContext): unknown {
  if (value === null || context.checker.check(schema, value).length > 0) return value;
  let secret: Secret;
  try {
    secret = context.secrets.open(value as string | SecretReference, { isPublic: schema.public === true });
  } catch (error) {
    const { message, hint } = error as Error & { hint?: string };
    context.report.addFor(path, from, message, hint);
    return undefined;
  }
  if (typeof value === 'string') return secret;
  const [inPlace = {}] = schema.anyOf ?? [];
  if (!secret.isHere) context.deferred.push({ secret, schema: inPlace, path, from });
  else for (const issue of context.checker.check(inPlace, secret.reveal())) context.report.addFor(path, from, issue.message);
  return secret;
}
