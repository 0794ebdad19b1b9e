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

/** The dynamic configuration in a document of `savedKeys`; undefined where it has none. */
export function configInKeys(text: string): JsonObject | undefined {
  try {
    const { keys } = JSON.parse(text) as { keys: Readonly<Record<string, SavedKey>> };
    const config: unknown = JSON.parse(keys['config']?.value ?? '');
    return isJsonObject(config as JsonObject) ? (config as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}
