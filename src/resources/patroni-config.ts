import { WORK_DIRECTORY } from '../shell/lock.js';
import { NOTHING, sh, type Script } from '../shell/quote.js';
import { APPLIED_DIRECTORY } from './service.js';
import { curlCredentials, findRest, restQuestion, type RestCredentials } from './patroni-rest.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';
import { tellShared } from './shared-question.js';

/** A JSON value. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Patroni's dynamic configuration, kept in the DCS for the whole cluster. */
export interface PatroniConfigOptions extends RestCredentials {
  /** `http://10.0.0.11:8008` */
  url: string;
  scope: string;
  desired: JsonObject;
}

/** What is configured now, and which keys an earlier run set (dotted as JSON arrays of their path). */
export type PatroniConfigState =
  | { answers: false }
  | { answers: true; current: JsonObject; ours: string[][] };

/**
 * The parts of the dynamic configuration that the inventory gives. Settings made by others stay; a setting
 * that an earlier run made and the inventory no longer gives is taken back. While no Patroni answers there
 * is no difference: a new cluster takes its first configuration from `bootstrap.dcs`.
 */
export function patroniConfig(options: PatroniConfigOptions): Resource<PatroniConfigState> {
  const { url, desired } = options;
  const id = `patroni-config:${options.scope}`;
  const record = `${APPLIED_DIRECTORY}/patroni-config`;
  const paths = leafPaths(desired);
  const question = restQuestion(`${url}/config`);
  return {
    id,
    shares: [question],
    probe: () => sh`[ ! -e ${record} ] || cat ${record}
echo
${tellShared(question)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const end = text.indexOf('\n');
      const { status, body } = findRest(text.slice(end + 1), `${url}/config`);
      if (status !== 200 || !body.trimStart().startsWith('{')) return { answers: false };
      return { answers: true, current: JSON.parse(body) as JsonObject, ours: readRecord(text.slice(0, end)) };
    },
    diff: (state): Change[] => {
      if (!state.answers) return [];
      const set = paths.filter((path) => !same(valueAt(state.current, path), valueAt(desired, path)));
      const taken = takenBack(state, paths);
      return [
        ...set.map((path): Change => ({
          action: 'update',
          summary: `set ${path.join('.')} to ${show(valueAt(desired, path))} (is ${show(valueAt(state.current, path))}) in the dynamic configuration`,
        })),
        ...taken.map((path): Change => ({
          action: 'update',
          summary: `unset ${path.join('.')} (is ${show(valueAt(state.current, path))}) in the dynamic configuration`,
        })),
      ];
    },
    apply: (_changes, state) => {
      const patch = state.answers ? buildPatch(desired, takenBack(state, paths)) : desired;
      // A word of a command may have 128 KiB, a line that curl reads from its input 100.
      return sh`patch=$(mktemp ${WORK_DIRECTORY}/patch.XXXXXX)
trap 'rm -f "$patch"' EXIT
printf %s ${JSON.stringify(patch)} >"$patch"
answer=$(printf '%s\n' ${curlCredentials(options)} | curl -sS -m 10 -K - -X PATCH --data-binary "@$patch" -w '\n%{http_code}' ${`${url}/config`} 2>&1) || :
case "$answer" in
*200) ;;
*)
echo "Patroni did not take the configuration: $answer"
exit 1
;;
esac
mkdir -p ${APPLIED_DIRECTORY}
printf %s ${JSON.stringify(paths)} >${`${record}.new`}
mv -f ${`${record}.new`} ${record}`;
    },
    digest: () => digestOf(id, JSON.stringify(desired)),
  };
}

/** The record of an earlier run; one that cannot be read only means that nothing is taken back. */
function readRecord(text: string): string[][] {
  try {
    return JSON.parse(text) as string[][];
  } catch {
    return [];
  }
}

/**
 * Has the leader among these members go through its loop now instead of within loop_wait: Patroni does so after
 * every PATCH, also one that takes back what nobody set.
 */
export function wakeLeader({ urls, ...credentials }: RestCredentials & { urls: readonly string[] }): Script {
  if (urls.length === 0) return NOTHING;
  return sh`set -- ${urls}
for code in $(curl -s -m 2 -w '%{http_code} ' ${urls.flatMap((url) => ['-o', '/dev/null', `${url}/leader`])}); do
[ "$code" != 200 ] || printf '%s\n' ${curlCredentials(credentials)} | curl -s -m 2 -K - -X PATCH -d '{"woken_by_pgprov":null}' -o /dev/null "$1/config"
shift
done`;
}

/** Every path that leads to something other than a non-empty object. */
function leafPaths(value: JsonObject, prefix: string[] = []): string[][] {
  return Object.entries(value).flatMap(([key, inner]) =>
    isObject(inner) && Object.keys(inner).length > 0 ? leafPaths(inner, [...prefix, key]) : [[...prefix, key]],
  );
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function valueAt(value: JsonObject, path: readonly string[]): Json | undefined {
  let at: Json | undefined = value;
  for (const key of path) at = isObject(at) && Object.hasOwn(at, key) ? at[key] : undefined;
  return at;
}

function takenBack(state: { current: JsonObject; ours: string[][] }, desired: readonly string[][]): string[][] {
  const wanted = new Set(desired.map((path) => JSON.stringify(path)));
  // A path below one that is given as a whole goes with it.
  const covered = (path: readonly string[]): boolean => path.some((_, depth) => wanted.has(JSON.stringify(path.slice(0, depth + 1))));
  return state.ours.filter((path) => !covered(path) && valueAt(state.current, path) !== undefined);
}

/** Patroni's PATCH merges objects and removes keys that are null. */
function buildPatch(desired: JsonObject, remove: readonly string[][]): JsonObject {
  return remove.reduce((patch, path) => withNull(patch, path), desired);
}

function withNull(value: JsonObject, [key = '', ...rest]: readonly string[]): JsonObject {
  const below = valueAt(value, [key]);
  const entries = new Map(Object.entries(value)).set(key, rest.length === 0 ? null : withNull(isObject(below) ? below : {}, rest));
  return Object.fromEntries(entries);
}

/** Patroni may hand back a number that was given as text, or the other way round; null means not set. */
function same(a: Json | undefined, b: Json | undefined): boolean {
  if (a === null || b === null) return (a ?? null) === (b ?? null);
  if (isObject(a) && isObject(b)) return JSON.stringify(a) === JSON.stringify(b);
  if (Array.isArray(a) || Array.isArray(b)) return JSON.stringify(a) === JSON.stringify(b);
  return a !== undefined && b !== undefined && String(a) === String(b);
}

function show(value: Json | undefined): string {
  return value === undefined ? 'not set' : typeof value === 'string' ? value : JSON.stringify(value);
}
