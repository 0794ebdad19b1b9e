import { parse } from 'yaml';
import { isJsonObject, valueAt, type JsonObject } from '../dynamic-config.js';

/** PostgreSQL's parameters that a patroni.yml gives, however a person has written them; none where it cannot be read. */
export function localParameters(text: string): JsonObject {
  try {
    const parameters = valueAt(parse(text) as JsonObject, ['postgresql', 'parameters']);
    return isJsonObject(parameters) ? parameters : {};
  } catch {
    return {};
  }
}
