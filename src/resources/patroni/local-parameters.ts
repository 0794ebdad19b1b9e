import { parse } from 'yaml';
import { isJsonObject, valueAt, type Json, type JsonObject } from '../dynamic-config.js';

/** PostgreSQL's parameters that a patroni.yml gives, however a person has written them; none where it cannot be read. */
export function localParameters(text: string): JsonObject {
  try {
    const parameters = valueAt(parse(text) as JsonObject, ['postgresql', 'parameters']);
    return isJsonObject(parameters) ? parameters : {};
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
