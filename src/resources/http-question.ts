import { groupBy } from '../lib/group-by.js';
import { seconds } from '../shell/patience.js';
import { joinScripts, Script, sh } from '../shell/quote.js';
import { digestOf } from './resource.js';
import type { SharedQuestion } from './shared-question.js';
import type { TlsPaths } from './tls-handshakes.js';

/** One request over HTTP. */
export interface HttpRequest {
  url: string;
  /** For all of it on a host of the usual patience; one digit. */
  seconds: number;
  /** Until somebody takes the connection; default: as long as all of it. Who does not is away, and who does may be slow. */
  connectSeconds?: number;
  /** What is posted; default: nothing, the URL is got. */
  body?: string;
  /** A header whose value is the content of a file, one line; without the file it is not sent. The value shows in no process list. */
  header?: { name: string; file: string };
  /** Who asks over TLS: a client with these files, or one without a certificate, which takes any server. */
  as?: TlsPaths | ClientWithoutCertificate;
}

/** A client without a certificate. */
export interface ClientWithoutCertificate {
  /** Authorities that it reads, but does not insist on: without any it would read all of the system's, which takes long. */
  ca: string;
}

/** What came of a request: status 0 when there was no answer; a body is without its empty lines. */
export interface HttpAnswer {
  status: number;
  body: string;
}

/**
 * Asks servers over HTTP, all requests to one host with one curl, and the hosts side by side: one that fails or takes its time does no harm to
 * the others, and several hosts that are away take no longer than one. `tellShared` prints the answers to these requests alone, for `findAnswer`.
 */
export function httpQuestion(...requests: readonly HttpRequest[]): SharedQuestion {
  return {
    variable: 'pgprov_http',
    subjects: requests.map((request) => JSON.stringify(curlOptions(request))),
    ask: (subjects) => [...groupBy(subjects, hostOf).values()].map(askHost).reduce(beside),
    defines: TELL,
    tell: sh`pgprov_tell_http ${requests.map(idOf)}`,
  };
}

/** The host that a request goes to, by its options for curl. */
function hostOf(subject: string): string {
  const [, host = ''] = /^url = "[a-z]+:\/\/(\[[^\]]*\]|[^/:"]*)/u.exec((JSON.parse(subject) as string[]).at(-1) ?? '') ?? [];
  return host;
}

/** The nonce shows in no process list: a server that could read it there might answer for another one. */
function askHost(subjects: readonly string[]): Script {
  return sh`{
${joinScripts(subjects.map((subject, index) => transfer(JSON.parse(subject) as string[], index === 0)))}
} | curl -q -K - 2>/dev/null || :`;
}

/** Both sides of a pipe run at once; each answer is printed whole, because the second waits for the end of the first. */
function beside(first: Script, second: Script): Script {
  return sh`{ ${first}
} | {
beside=$(${second}
)
cat
printf '%s\n' "$beside"
}`;
}

/** Finds the answer to a request among those that were told. */
export function findAnswer(text: string, request: HttpRequest): HttpAnswer {
  const lines = text.split('\n');
  const at = lines.findIndex((line) => line.startsWith(`@${idOf(request)} `));
  if (at < 0) return { status: 0, body: '' };
  const before = lines.slice(0, at).findLastIndex((line) => !line.startsWith('|'));
  const body = lines.slice(before + 1, at).map((line) => line.slice(1));
  return { status: Number.parseInt(lines[at]?.split(' ')[1] ?? '', 10), body: body.join('\n') };
}

/** Prints `$answer` as what a request was answered, with status 0. */
export function tellInstead(request: HttpRequest): Script {
  return sh`set -f
IFS=$pgprov_nl
printf '|%s\n' $answer
echo ${`@${idOf(request)} 0`}`;
}

/** Patterns of `case` for `$pgprov_http`: the request was given up when its time was over, or later on a busy machine. */
export function timedOut(request: HttpRequest): Script {
  const gaveUpAfter = (digits: string): Script => sh`*"@$pgprov_nonce "${`${idOf(request)} 000 `}${Script.build(digits)}.*`;
  return sh`${gaveUpAfter(`[${request.seconds}-9]`)} | ${gaveUpAfter('[1-9][0-9]')} | ${gaveUpAfter('[1-9][0-9][0-9]')}`;
}

/** What options begin with that the host's patience is a factor of. */
const MAX_TIME = 'max-time = ';
const CONNECT_TIME = 'connect-timeout = ';

/** What an option begins with that has the content of a file as the value of a header: then come the header’s name and the path. */
const HEADER = 'header of ';

/** A value in a configuration of curl. */
export function curlString(value: string): string {
  const escaped = value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n').replaceAll('\r', '\\r');
  return `"${escaped}"`;
}

/** A line of curl’s configuration, as a word: a header whose value is the content of a file. Without one curl sends no such header. */
export function fileHeader(name: string, path: string): Script {
  return sh`${`header = "${name}: `}"$(cat ${path} 2>/dev/null)"'"'`;
}

function curlOptions({ url, seconds: all, connectSeconds, body, header, as }: HttpRequest): string[] {
  return [
    'silent',
    // An address in brackets is no pattern, and one that makes no sense must not end the others' transfers.
    'globoff',
    `${MAX_TIME}${all}`,
    ...(connectSeconds === undefined ? [] : [`${CONNECT_TIME}${connectSeconds}`]),
    ...(as === undefined ? [] : [`cacert = ${curlString(as.ca)}`, ...('key' in as ? identity(as) : ['insecure', 'no-sessionid'])]),
    ...(header === undefined ? [] : [`${HEADER}${header.name} ${header.file}`]),
    ...(body === undefined ? [] : [`data-raw = ${curlString(body)}`]),
    `url = ${curlString(url)}`,
  ];
}

function identity({ certificate, key }: TlsPaths): string[] {
  return [`cert = ${curlString(certificate)}`, `key = ${curlString(key)}`];
}

/** What tells one request from another. */
function idOf(request: HttpRequest): string {
  return digestOf(...curlOptions(request)).slice(0, 12);
}

/**
 * What curl reads for one transfer. The curl of EL 8 leaves out all that comes after a failed one, unless the last URL
 * beside it can be had; so each has one that always can.
 */
function transfer(options: readonly string[], first: boolean): Script {
  const id = digestOf(...options).slice(0, 12);
  const words = [...(first ? [] : ['next']), ...options].map((option) => {
    if (option.startsWith(HEADER)) {
      const [, name = '', path = ''] = /^([^ ]+) (.*)$/u.exec(option.slice(HEADER.length)) ?? [];
      return fileHeader(name, path);
    }
    const limit = [MAX_TIME, CONNECT_TIME].find((begin) => option.startsWith(begin));
    return limit === undefined ? sh`${option}` : sh`${limit}${seconds(Number(option.slice(limit.length)))}`;
  });
  return sh`printf '%s\n' ${joinScripts(words, ' ')} "write-out = \"\\n@$pgprov_nonce "${id}' %{http_code} %{time_total}\n"' 'url = "file:///dev/null"'`;
}

/**
 * Each line of a body begins with a bar, and the line after them names the request: no body looks like another's end.
 * Splitting takes a shell no time, while cutting thousands of characters at a pattern takes it milliseconds.
 */
const TELL = Script.build(`pgprov_tell_http() {
wanted=" $* "
set -f
IFS=$pgprov_nl
body=
for line in $pgprov_http; do
case "$line" in
"@$pgprov_nonce "*' 000 '*) body= ;;
"@$pgprov_nonce "*)
line=\${line#* }
case "$wanted" in *" \${line%% *} "*) printf '%s@%s\\n' "$body" "$line" ;; esac
body=
;;
*) body="$body|$line$pgprov_nl" ;;
esac
done
unset IFS
set +f
}`);
