import { sh } from '../../shell/quote.js';
import { answerText, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { STORE_WRITES, type StoreWrites } from '../store-writes.js';
import { curlWords, memberQuestion, saysHealthy, type EtcdClient } from './client.js';

/** Seconds for a write: etcd gives one up after about seven. */
const SECONDS = 10;

/** Any key: it is neither read nor written. */
const KEY = Buffer.from('pgprov').toString('base64');

/** A transaction that would write only if a key's version were not more than -1, as it always is: etcd takes it as it takes any write, and nothing changes. */
const BODY = JSON.stringify({
  compare: [{ key: KEY, target: 'VERSION', result: 'GREATER', version: '-1' }],
  success: [],
  failure: [{ requestPut: { key: KEY, value: '' } }],
});

/** Whether the host's own member takes writes; it is asked where it says that it is healthy, which says no more than that it reads. */
export function etcdWrites(client: EtcdClient): Observation<StoreWrites> {
  const question = memberQuestion(client);
  const [endpoint = ''] = client.endpoints;
  return {
    ...STORE_WRITES,
    sharedQuestions: [question],
    probe: () => sh`told=$(${printAnswer(question)})
printf '%s\n' "$told"
case "$told" in
*'"health":"true"'* | *'"health": "true"'*)
echo written=
curl -S ${curlWords(client, SECONDS)} -d ${BODY} ${`${endpoint}/v3/kv/txn`} 2>&1 || :
;;
esac`,
    parse: (answer) => {
      const text = answerText(answer);
      const at = text.lastIndexOf('written=\n');
      if (at < 0 || !saysHealthy(text, client)) return { asked: false };
      const said = text.slice(at + 'written=\n'.length).trim();
      if (said.startsWith('{"header"')) return { asked: true, refused: undefined };
      return { asked: true, refused: /"(?:message|error)": *"([^"]*)"/u.exec(said)?.[1] ?? (said || 'it did not answer') };
    },
  };
}
