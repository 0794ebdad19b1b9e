import { parse } from 'yaml';
import { isJsonObject, valueAt, type Json, type JsonObject } from '../dynamic-config.js';

/** PostgreSQL's parameters that a patroni.yml gives, however a person has written them; none where it cannot be read. */
export function localParameters(text: string): JsonObject {
  return sectionOf(text, ['postgresql', 'parameters']);
}

/** The member's tags that a patroni.yml gives; none where it cannot be read. */
export function localTags(text: string): JsonObject {
  return sectionOf(text, ['tags']);
}

function sectionOf(text: string, path: readonly string[]): JsonObject {
  try {
    const section = valueAt(parse(text) as JsonObject, path);
    return isJsonObject(section) ? section : {};
  } catch {
    return {};
  }
}

/** Whether Patroni can start with a patroni.yml: it is YAML, and names the scope, the member and its PostgreSQL. */
export function isPatroniConfig(text: string): boolean {
  try {
    const config = parse(text) as Json;
    return isJsonObject(config) && config['scope'] !== undefined && config['name'] !== undefined && isJsonObject(config['postgresql']);
  } catch {
    return false;
  }
}
