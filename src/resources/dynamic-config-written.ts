import { isDeepStrictEqual } from 'node:util';
import { sh } from '../shell/quote.js';
import { findStored, type DcsKeys, type StoredConfig } from './dcs.js';
import { leafPaths, mergePatch, valueAt, type JsonObject } from './dynamic-config.js';
import { answerText, digestOf, NOTHING_DONE, UnknownAnswer, type Resource } from './resource.js';
import { printAnswer } from './shared-question.js';

/** What is put into the dynamic configuration, and how the store is reached. */
export interface DynamicConfigWrittenOptions {
  keys: DcsKeys;
  /** A JSON merge patch: null takes a setting away. */
  patch: JsonObject;
  /** The configuration as it was shown: a setting of the patch that has another value by now is not written over. Default: whatever is there. */
  shown?: JsonObject;
  /** For people: `set loop_wait to 15 in the dynamic configuration`. */
  summary: string;
}

/** Whether a configuration is already what a patch makes of it. */
export function isPatched(current: JsonObject, patch: JsonObject): boolean {
  return inOrder(mergePatch(current, patch)) === inOrder(current);
}

/** The text of a value in which the order of keys makes no difference. */
function inOrder(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}

/** Settings of the dynamic configuration, written into the store unless somebody else writes it at the same moment; all others stay. */
export function dynamicConfigWritten({ keys, patch, shown, summary }: DynamicConfigWrittenOptions): Resource<StoredConfig> {
  const id = 'dynamic-config-written';
  return {
    id,
    sharedQuestions: [keys.question],
    probe: () => printAnswer(keys.question),
    parse: (answer) => {
      const stored = findStored(keys, answerText(answer))?.config;
      if (stored === undefined) throw new UnknownAnswer(id, answer);
      return stored;
    },
    diff: ({ current }) => (isPatched(current, patch) ? [] : [{ action: 'update', summary }]),
    apply: (_changes, { current, revision }) => {
      const other = leafPaths(patch).find(
        (path) => shown !== undefined && !isDeepStrictEqual(valueAt(current, path), valueAt(shown, path)),
      );
      if (other === undefined) return keys.put('config', JSON.stringify(mergePatch(current, patch)), revision);
      return sh`echo ${`somebody else changed ${other.join('.')} at the same moment; run this again`}
exit ${NOTHING_DONE}`;
    },
    digest: () => digestOf(id, JSON.stringify(patch)),
  };
}
