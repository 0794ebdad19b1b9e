import { findStored, type DcsKeys, type StoredConfig } from './dcs.js';
import { mergePatch, type JsonObject } from './dynamic-config.js';
import { answerText, digestOf, UnknownAnswer, type Resource } from './resource.js';
import { printAnswer } from './shared-question.js';

/** What is put into the dynamic configuration, and how the store is reached. */
export interface DynamicConfigWrittenOptions {
  keys: DcsKeys;
  /** A JSON merge patch: null takes a setting away. */
  patch: JsonObject;
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
export function dynamicConfigWritten({ keys, patch, summary }: DynamicConfigWrittenOptions): Resource<StoredConfig> {
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
    apply: (_changes, { current, revision }) => keys.put('config', JSON.stringify(mergePatch(current, patch)), revision),
    digest: () => digestOf(id, JSON.stringify(patch)),
  };
}
