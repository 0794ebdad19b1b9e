import { WORK_DIRECTORY } from '../../shell/lock.js';
import { seconds } from '../../shell/patience.js';
import { NOTHING, sh, type Script } from '../../shell/quote.js';
import { compareConfig, valueAt, type ConfigPath, type Json, type JsonObject } from '../dynamic-config.js';
import { curlCredentials, findRest, restQuestion, type RestCredentials } from './rest.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** Patroni's dynamic configuration, kept in the DCS for the whole cluster. */
export interface PatroniConfigOptions extends RestCredentials {
  /** `http://10.0.0.11:8008` */
  url: string;
  scope: string;
  desired: JsonObject;
}

/** What is configured now. */
export type PatroniConfigState = { answers: false } | { answers: true; current: JsonObject };

/**
 * The parts of the dynamic configuration that the inventory gives. Settings made by others stay; a setting
 * that an earlier run made and the inventory no longer gives is taken back, and so is a section that it made and that is empty then.
 * While no Patroni answers there is no difference: a new cluster takes its first configuration from `bootstrap.dcs`.
 */
export function patroniConfig(options: PatroniConfigOptions): Resource<PatroniConfigState> {
  const { url, desired } = options;
  const id = `patroni-config:${options.scope}`;
  const question = restQuestion(`${url}/config`);
  return {
    id,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => {
      const { status, body } = findRest(answerText(answer), `${url}/config`);
      if (status !== 200 || !body.trimStart().startsWith('{')) return { answers: false };
      return { answers: true, current: JSON.parse(body) as JsonObject };
    },
    diff: (state): Change[] => (state.answers ? describeChanges(state.current, desired) : []),
    apply: (_changes, state) => {
      const { patch } = compareConfig(state.answers ? state.current : {}, desired);
      // A word of a command may have 128 KiB, a line that curl reads from its input 100.
      return sh`patch=$(mktemp ${WORK_DIRECTORY}/patch.XXXXXX)
trap 'rm -f "$patch"' EXIT
printf %s ${JSON.stringify(patch)} >"$patch"
answer=$(printf '%s\n' ${curlCredentials(options)} | curl -sS -m ${seconds(20)} -K - -X PATCH --data-binary "@$patch" -w '\n%{http_code}' ${`${url}/config`} 2>&1) || :
case "$answer" in
*200) ;;
*)
echo "Patroni did not take the configuration: $answer"
exit 1
;;
esac`;
    },
    digest: () => digestOf(id, JSON.stringify(desired)),
  };
}

/** What has to change for a configuration to be as desired, a line for each setting. */
export function describeChanges(current: JsonObject, desired: JsonObject): Change[] {
  const { set, taken, forgotten } = compareConfig(current, desired);
  const update = (verb: string, path: ConfigPath, rest: string): Change => ({
    action: 'update',
    summary: `${verb} ${path.join('.')}${rest} in the dynamic configuration`,
  });
  const is = (path: ConfigPath): string => `(is ${show(valueAt(current, path))})`;
  return [
    ...set.map((path) => update('set', path, ` to ${show(valueAt(desired, path))} ${is(path)}`)),
    ...taken.map((path) => update('unset', path, ` ${is(path)}`)),
    ...forgotten.map((path) => update('leave', path, ' to others')),
  ];
}

/**
 * Has the leader among these members go through its loop now instead of within loop_wait: Patroni does so after
 * every PATCH, also one that takes back what nobody set.
 */
export function wakeLeader({ urls, ...credentials }: RestCredentials & { urls: readonly string[] }): Script {
  if (urls.length === 0) return NOTHING;
  return sh`set -- ${urls}
for code in $(curl -s --connect-timeout 2 -m ${seconds(5)} -w '%{http_code} ' ${urls.flatMap((url) => ['-o', '/dev/null', `${url}/leader`])}); do
[ "$code" != 200 ] || printf '%s\n' ${curlCredentials(credentials)} | curl -s -m ${seconds(5)} -K - -X PATCH -d '{"woken_by_pgprov":null}' -o /dev/null "$1/config"
shift
done`;
}

/** Has one member go through its loop now instead of within loop_wait. */
export function wakeMember(url: string, credentials: RestCredentials): Script {
  return sh`printf '%s\n' ${curlCredentials(credentials)} | curl -s --connect-timeout 2 -m ${seconds(5)} -K - -X PATCH -d '{"woken_by_pgprov":null}' -o /dev/null ${`${url}/config`}`;
}

function show(value: Json | undefined): string {
  return value === undefined ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value);
}
