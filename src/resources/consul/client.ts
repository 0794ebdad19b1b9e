import { growingSeconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';
import { curlString, fileHeader, findAnswer, httpQuestion, type HttpAnswer, type HttpRequest } from '../http-question.js';
import type { SharedQuestion } from '../shared-question.js';

/** How root on a host talks to the agent of Consul there. */
export interface ConsulClient {
  /** `https://127.0.0.1:8501` */
  url: string;
  caFile: string;
  certFile: string;
  keyFile: string;
  /** Has the token that requests are made with in its only line; without the file they are anonymous, which may do nothing. */
  tokenFile: string;
}

/** Seconds for one request, or for the first of several tries. */
const SECONDS = 3;

const TOKEN = 'X-Consul-Token';

/** What the agent is asked by its HTTP API. */
export function consulRequest(client: ConsulClient, path: string): HttpRequest {
  const { url, caFile: ca, certFile: certificate, keyFile: key, tokenFile: file } = client;
  return { url: `${url}${path}`, seconds: SECONDS, header: { name: TOKEN, file }, as: { ca, certificate, key } };
}

/** One request that changes something, or that a gate repeats. */
export interface ConsulCall {
  /** Default: GET. */
  method?: 'PUT' | 'DELETE';
  /** `/v1/kv/service/demo/config?cas=7` */
  path: string;
  /** What ends the path, where only the shell knows it: its value is no text of anybody else's. */
  pathEnd?: Script;
  /** What is sent along. */
  body?: string;
}

/** Makes a request; prints the answer, or why there is none, and then a line with the status. Nothing of it shows in a process list. */
export function consulCall(
  { url, caFile, certFile, keyFile, tokenFile }: ConsulClient,
  { method, path, pathEnd = sh``, body }: ConsulCall,
): Script {
  const options = [
    'silent',
    'show-error',
    'globoff',
    `cacert = ${curlString(caFile)}`,
    `cert = ${curlString(certFile)}`,
    `key = ${curlString(keyFile)}`,
    ...(method === undefined ? [] : [`request = "${method}"`]),
    ...(body === undefined ? [] : [`data-raw = ${curlString(body)}`]),
    'write-out = "\\n%{http_code}"',
  ];
  return sh`{ printf '%s\n' ${options} 'max-time = '${growingSeconds(SECONDS)} ${fileHeader(TOKEN, tokenFile)} ${`url = "${url}${path}`}${pathEnd}'"'
} | curl -q -K - 2>&1`;
}

/** The servers of Consul as its leader sees them. */
export interface ConsulServer {
  /** Name of its host. */
  name: string;
  /** `10.0.0.11` */
  address: string;
  /** `1.8.7` */
  version: string;
  healthy: boolean;
  /** It counts for the quorum. */
  voter: boolean;
  leader: boolean;
}

const leader = (client: ConsulClient): HttpRequest => consulRequest(client, '/v1/status/leader');
const health = (client: ConsulClient): HttpRequest => consulRequest(client, '/v1/operator/autopilot/health');
const members = (client: ConsulClient): HttpRequest => consulRequest(client, '/v1/agent/members');

/** How gossip has an agent that has left, as Consul's library Serf numbers it. */
const LEFT = 3;

/** Asks the agent who leads the servers, which takes no token. */
export function leaderQuestion(client: ConsulClient): SharedQuestion {
  return httpQuestion(leader(client));
}

/** Asks the agent who leads the servers, and the leader for the health of all, which takes a token that may. */
export function serversQuestion(client: ConsulClient): SharedQuestion {
  return httpQuestion(leader(client), health(client));
}

/** The address of who leads, `10.0.0.11:8300`, by the answer to either question; undefined: the agent knows none, or does not answer. */
export function findLeader(text: string, client: ConsulClient): string | undefined {
  const { status, body } = findAnswer(text, leader(client));
  const address = /^"(.+)"$/u.exec(body.trim())?.[1];
  return status === 200 ? address : undefined;
}

/** Asks the same, and for all agents that gossip knows. */
export function agentsQuestion(client: ConsulClient): SharedQuestion {
  return httpQuestion(leader(client), health(client), members(client));
}

/** Names of all agents that have not left, in the answer to `agentsQuestion`; undefined where nobody tells. */
export function findAgents(text: string, client: ConsulClient): string[] | undefined {
  const { status, body } = findAnswer(text, members(client));
  if (status !== 200 || !body.trimStart().startsWith('[')) return undefined;
  return (JSON.parse(body) as { Name?: string; Status?: number }[]).flatMap(({ Name = '', Status }) => (Status === LEFT ? [] : [Name]));
}

/** The servers in the answer to `serversQuestion`; undefined where nobody tells. The status is 429 where not all are healthy. */
export function findServers(text: string, client: ConsulClient): ConsulServer[] | undefined {
  return readServers(findAnswer(text, health(client)));
}

interface AutopilotJson {
  Servers?: { Name?: string; Address?: string; Version?: string; Healthy?: boolean; Voter?: boolean; Leader?: boolean }[] | null;
}

function readServers({ status, body }: HttpAnswer): ConsulServer[] | undefined {
  if ((status !== 200 && status !== 429) || !body.trimStart().startsWith('{')) return undefined;
  const { Servers: servers } = JSON.parse(body) as AutopilotJson;
  return (servers ?? []).map(({ Name = '', Address = '', Version = '', Healthy = false, Voter = false, Leader = false }) => ({
    name: Name,
    address: Address.replace(/:\d+$/u, '').replace(/^\[|\]$/gu, ''),
    version: Version,
    healthy: Healthy,
    voter: Voter,
    leader: Leader,
  }));
}

/** Succeeds when the agent knows who leads the servers; else it says what it said. */
export function leaderCheck(client: ConsulClient): Script {
  return sh`answer=$(${consulCall(client, { path: '/v1/status/leader' })})
case "$answer" in
'"'[!\"]*) ;;
*) printf '%s\n' "no leader: $answer" | tr '\n' ' '; exit 1 ;;
esac`;
}

/** Succeeds when the leader calls all servers healthy, and there are so many of them; else it says what it said. */
export function allServersCheck(client: ConsulClient, count: number): Script {
  return sh`${leaderCheck(client)}
answer=$(${consulCall(client, { path: '/v1/operator/autopilot/health' })})
case "$answer" in *'
200') ;;
*) echo 'not all servers of Consul are healthy'; exit 1 ;;
esac
servers=$(printf '%s\n' "$answer" | grep -o '"Voter": *true' | wc -l)
[ "$servers" -ge ${count} ] || { echo "$servers of "${count}' servers of Consul vote'; exit 1; }`;
}
