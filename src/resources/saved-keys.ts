import { answerText } from './resource.js';
import type { DcsKeys } from './dcs.js';
import { isJsonObject, type JsonObject } from './dynamic-config.js';
import { savedAnswer, type SavedPart } from './saved.js';
import { printAnswer } from './shared-question.js';

/** Where a snapshot has what Patroni keeps in its store. */
export const SAVED_KEYS = 'dcs/keys.json';

/** A key of the store in a snapshot. */
interface SavedKey {
  value: string;
  revision: string;
}

/** All keys of Patroni's scope with their revisions, named as in Patroni. */
export function savedKeys(keys: DcsKeys): SavedPart {
  return savedAnswer(
    SAVED_KEYS,
    {
      questions: [keys.question],
      probe: printAnswer(keys.question),
      read: (answer) => {
        const found = keys.find(answerText(answer));
        if (typeof found === 'string') return found === '' ? `${keys.name} does not answer` : found;
        const document = { store: keys.name, prefix: keys.show('').path, keys: Object.fromEntries(found) };
        return Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`);
      },
    },
    { ofCluster: true },
  );
}

/** The values in a document of `savedKeys` by the keys' names; none where it cannot be read. */
export function valuesInKeys(text: string): ReadonlyMap<string, string> {
  try {
    const { keys } = JSON.parse(text) as { keys: Readonly<Record<string, SavedKey>> };
    return new Map(Object.entries(keys).map(([name, { value }]) => [name, String(value)]));
  } catch {
    return new Map();
  }
}

/** The dynamic configuration in a document of `savedKeys`; undefined where it has none. */
export function configInKeys(text: string): JsonObject | undefined {
  return readConfig(valuesInKeys(text).get('config'));
}

/** The dynamic configuration that a value of the key `config` is; undefined where it is none. */
export function readConfig(value = ''): JsonObject | undefined {
  try {
    const config = JSON.parse(value) as JsonObject;
    return isJsonObject(config) ? config : undefined;
  } catch {
    return undefined;
  }
}
