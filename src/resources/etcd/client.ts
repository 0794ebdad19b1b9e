import { growingSeconds, seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';
import { findAnswer, httpQuestion, tellInstead, timedOut, type HttpRequest } from '../http-question.js';
import { type SharedQuestion, printAnswer } from '../shared-question.js';

/** How a host talks to etcd as a client. */
export interface EtcdClient {
  /** `https://10.0.0.11:2379`, the nearest first. */
  endpoints: readonly string[];
  caFile: string;
  certFile: string;
  keyFile: string;
}

/** Seconds for one request, or for the first of several tries, as long as etcdctl gets for its command. */
const SECONDS = 2;

/** etcdctl with its TLS files and short time-outs; `words` are the command. */
export function etcdctl(client: EtcdClient, words: readonly string[]): Script {
  return sh`ETCDCTL_API=3 etcdctl ${[
    `--endpoints=${client.endpoints.join(',')}`,
    `--cacert=${client.caFile}`,
    `--cert=${client.certFile}`,
    `--key=${client.keyFile}`,
  ]} --dial-timeout=${growingSeconds(1)}s --command-timeout=${growingSeconds(SECONDS)}s ${words}`;
}

/** What a member, by default the nearest, is asked by its JSON gateway, which Patroni uses as well; a `body` is posted. */
function request(client: EtcdClient, path: string, body?: string, endpoint = client.endpoints[0] ?? ''): HttpRequest {
  const { caFile: ca, certFile: certificate, keyFile: key } = client;
  return { url: `${endpoint}${path}`, seconds: SECONDS, as: { ca, certificate, key }, ...(body === undefined ? {} : { body }) };
}

const health = (client: EtcdClient, endpoint?: string): HttpRequest => request(client, '/health', undefined, endpoint);
const version = (client: EtcdClient): HttpRequest => request(client, '/version');
const members = (client: EtcdClient, endpoint?: string): HttpRequest => request(client, '/v3/cluster/member/list', '{}', endpoint);

/** No certificate, and a question that takes no quorum: whoever is let in is answered at once. */
const withoutCertificate = (client: EtcdClient): HttpRequest => ({ url: version(client).url, seconds: SECONDS, as: { ca: client.caFile } });

/** Asks the nearest member for its health, which takes a quorum. */
export function healthQuestion(client: EtcdClient): SharedQuestion {
  return httpQuestion(health(client));
}

/** Whether the answer to `healthQuestion` says that the member is healthy. */
export function saysHealthy(text: string, client: EtcdClient): boolean {
  return isHealthy(findAnswer(text, health(client)).body);
}

function isHealthy(body: string): boolean {
  return /^\{"health": *"true"/u.test(body);
}

const status = (client: EtcdClient): HttpRequest => request(client, '/v3/maintenance/status', '{}');

/** Asks the nearest member for its status. */
export function statusQuestion(client: EtcdClient): SharedQuestion {
  return httpQuestion(status(client));
}

/** Whether the answer to `statusQuestion` says that the member leads etcd. */
export function leadsEtcd(text: string, client: EtcdClient): boolean {
  const { body } = findAnswer(text, status(client));
  const own = /"member_id": *"(\d+)"/u.exec(body)?.[1];
  return own !== undefined && /"leader": *"(\d+)"/u.exec(body)?.[1] === own;
}

/** Whether the answer to `statusQuestion` says that the member has no vote yet; etcd tells since 3.4. */
export function isLearner(text: string, client: EtcdClient): boolean {
  return /"isLearner": *true/u.test(findAnswer(text, status(client)).body);
}

/** Asks every member for its health, which takes a quorum, and for the list of members. */
export function quorumQuestion(client: EtcdClient): SharedQuestion {
  return httpQuestion(...client.endpoints.flatMap((endpoint) => [health(client, endpoint), members(client, endpoint)]));
}

/** The endpoints that are healthy by the answer to `quorumQuestion`. */
export function findHealthy(text: string, client: EtcdClient): string[] {
  return client.endpoints.filter((endpoint) => isHealthy(findAnswer(text, health(client, endpoint)).body));
}

/** The lists of members, etcd's JSON, in the answer to `quorumQuestion`, that of the nearest member first. */
export function findLists(text: string, client: EtcdClient): string[] {
  return client.endpoints.map((endpoint) => listIn(text, members(client, endpoint))).filter((list) => list !== '');
}

/** Asks the nearest member for its health, for the list of members, and whether it lets in a client without a certificate. */
export function memberQuestion(client: EtcdClient): SharedQuestion {
  // Without a certificate first, because curl would reuse a connection that has one.
  return httpQuestion(withoutCertificate(client), health(client), members(client));
}

/** Finds the list of members, etcd's JSON, in the answer to `memberQuestion`; '' when there is none. */
export function findMembers(text: string, client: EtcdClient): string {
  return listIn(text, members(client));
}

const database = (client: EtcdClient): HttpRequest => request(client, '/v3/maintenance/status', '{}');

/** Asks the nearest member for its version, who leads, the size of its database and alarms. */
export function databaseQuestion(client: EtcdClient): SharedQuestion {
  return httpQuestion(database(client));
}

/** Finds etcd's JSON in the answer to `databaseQuestion`; '' when there is none. */
export function findDatabase(text: string, client: EtcdClient): string {
  return listIn(text, database(client));
}

function listIn(text: string, asked: HttpRequest): string {
  const { body } = findAnswer(text, asked);
  return body.startsWith('{"header"') ? body : '';
}

/** Whether the answer to `memberQuestion` says that a client without a certificate was let in. */
export function acceptsWithoutCertificate(text: string, client: EtcdClient): boolean {
  return findAnswer(text, withoutCertificate(client)).status !== 0;
}

/** Asks the nearest member for the version that the members agreed on. */
export function versionQuestion(client: EtcdClient): SharedQuestion {
  return httpQuestion(version(client));
}

/**
 * Whether the members have agreed on a version of the cluster, by the answer to `versionQuestion`. Until each of them has
 * been heard once it is 3.0.0, and clients such as Patroni then ask for an API that etcd no longer has.
 */
export function agreesOnVersion(text: string, client: EtcdClient): boolean {
  return !/"etcdcluster": *"(?:not_decided|3\.0\.0)"/u.test(findAnswer(text, version(client)).body);
}

/** Words for curl to ask as the client; an endpoint's URL follows. */
export function curlWords({ caFile, certFile, keyFile }: EtcdClient, first = SECONDS): Script {
  return sh`-s -m ${growingSeconds(first)} ${['--cacert', caFile, '--cert', certFile, '--key', keyFile]}`;
}

/** Prints the database of the nearest member as a stream of JSON, see `readSnapshot`; it takes no quorum. */
export function snapshotRequest(client: EtcdClient, within: number): Script {
  return sh`curl -S ${curlWords(client, within)} -d '{}' ${request(client, '/v3/maintenance/snapshot').url}`;
}

/** Succeeds when every member says that it is healthy; else it says which one does not, and fails. */
export function allHealthyCheck(client: EtcdClient): Script {
  return sh`for endpoint in ${client.endpoints}; do
case "$(curl ${curlWords(client)} "$endpoint/health")" in
*'"health":"true"'* | *'"health": "true"'*) ;;
*) echo "the etcd member at $endpoint is not healthy"; exit 1 ;;
esac
done`;
}

/** Succeeds when the nearest member `agreesOnVersion`, or does not answer; else it says who of the others does not. */
export function agreementCheck(client: EtcdClient): Script {
  return sh`case "$(curl ${curlWords(client)} ${version(client).url})" in
*'"etcdcluster":"3.0.0"'* | *'"etcdcluster":"not_decided"'*)
silent=
for endpoint in ${client.endpoints.slice(1)}; do
curl -o /dev/null ${curlWords(client, 1)} "$endpoint/version" || silent="$silent $endpoint"
done
[ -z "$silent" ] || silent="; no answer from$silent"
echo "a member of etcd was never heard of$silent"
exit 1
;;
esac`;
}

/** For all keys below a prefix. */
function keys(client: EtcdClient, prefix: string): HttpRequest & { body: string } {
  const base64 = (bytes: Buffer): string => bytes.toString('base64');
  const key = Buffer.from(prefix);
  const end = Buffer.from(key);
  end.writeUInt8((end.at(-1) ?? 0) + 1, end.length - 1);
  const body = JSON.stringify({ key: base64(key), range_end: base64(end) });
  return { ...request(client, '/v3/kv/range', body), body };
}

/**
 * Asks the nearest member for all keys below a prefix. Where it has none to tell the others are asked, one after the other;
 * where there is no other it is asked why, unless it takes its time.
 */
export function keysQuestion(client: EtcdClient, prefix: string): SharedQuestion {
  const asked = keys(client, prefix);
  const nearest = httpQuestion(asked);
  const others = client.endpoints.slice(1);
  const ask = (endpoints: readonly string[]): Script => sh`for endpoint in ${endpoints}; do
answer=$(curl -S ${curlWords(client)} -d ${asked.body} "$endpoint/v3/kv/range" 2>&1) || :
case "$answer" in '{"header"'*) break ;; esac
done`;
  return {
    variable: 'pgprov_keys',
    subjects: [prefix],
    dependsOn: [nearest],
    ask: () => sh`answer=$(${printAnswer(nearest)})
case "$answer" in ${others.length === 0 ? sh`'|'*` : sh`'|{"header"'*`})
printf '%s\n' "$answer"
exit
;;
esac
if [ ! -r ${client.certFile} ]; then answer='no client certificate yet'
else
${
  others.length > 0
    ? ask(others)
    : sh`case "$pgprov_http" in
${timedOut(asked)}) answer=${'curl: (28) Operation timed out after '}${seconds(SECONDS)}' seconds' ;;
*)
${ask(client.endpoints)}
;;
esac`
}
fi
${tellInstead(asked)}`,
  };
}

/** Finds the keys in the answer to `keysQuestion`: etcd's JSON, or else why there is none. */
export function findKeys(text: string, client: EtcdClient, prefix: string): string {
  return findAnswer(text, keys(client, prefix)).body;
}
