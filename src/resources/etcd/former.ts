import { sh } from '../../shell/quote.js';
import { curlWords, keysQuestion, type EtcdClient } from './client.js';
import { FORMER_CONFIGS } from '../former-configs.js';
import { answerLines, type Observation } from '../resource.js';
import { readConfig } from '../saved-keys.js';
import type { JsonObject } from '../dynamic-config.js';
import { printAnswer } from '../shared-question.js';

/** Writes that are gone back over. */
const STEPS = [1, 2, 3, 4, 5];

/**
 * The values that the key `config` had before, from etcd's own history: etcd keeps all revisions of the last one to two hours
 * (`auto-compaction-retention`), and an older one for as long as nothing newer was written.
 */
export function etcdFormerConfigs(client: EtcdClient, prefix: string): Observation<readonly JsonObject[]> {
  const question = keysQuestion(client, prefix);
  const key = Buffer.from(`${prefix}config`).toString('base64');
  // Some builds of etcd put a space after a comma, or after a colon.
  const written = String.raw`s|.*"key": *"${key}", *"create_revision": *"[0-9]*", *"mod_revision": *"\([0-9]*\)".*|\1|p`;
  return {
    ...FORMER_CONFIGS,
    sharedQuestions: [question],
    probe: () => sh`answer=$(${printAnswer(question)})
for step in ${STEPS}; do
revision=$(printf '%s\n' "$answer" | sed -n ${written})
[ -n "$revision" ] || break
for endpoint in ${client.endpoints}; do
answer=$(curl ${curlWords(client)} -d ${`{"key":"${key}","revision":"`}$((revision - 1))'"}' "$endpoint/v3/kv/range") || :
case "$answer" in '{'*) break ;; esac
done
printf '%s\n' "$answer"
done`,
    parse: (answer) => answerLines(answer).flatMap((line) => configIn(line)),
  };
}

/** etcd's answer has no key where there was none, and an error in its place where the revision is compacted. */
function configIn(line: string): JsonObject[] {
  try {
    const { kvs = [] } = JSON.parse(line) as { kvs?: { value?: string }[] };
    const config = readConfig(Buffer.from(kvs[0]?.value ?? '', 'base64').toString('utf8'));
    return config === undefined ? [] : [config];
  } catch {
    return [];
  }
}
