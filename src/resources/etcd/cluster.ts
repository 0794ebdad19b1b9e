import { handle } from '../handle.js';
import { createHash } from 'node:crypto';
import { sh, type Script } from '../../shell/quote.js';
import { type EtcdClient, findHealthy, findLists, quorumQuestion } from './client.js';
import { answerText, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** A member as etcd lists it. */
export interface EtcdListed {
  /** As etcd's JSON has it: decimal. */
  id: string;
  /** '' where it was added by `member add` and never started. */
  name: string;
  peerUrls: string[];
  /** Empty until it has started once. */
  clientUrls: string[];
  /** Without a vote. */
  learner: boolean;
}

/** What a host sees of the whole of etcd, also of members on hosts that a run leaves out. */
export interface EtcdClusterState {
  /** The members, by the first one that tells; undefined: none does. */
  members: EtcdListed[] | undefined;
  /** Client URLs, as the client has them, whose members say that they are healthy, that is part of a quorum. */
  healthy: string[];
  /** Where nobody tells the members: names of those that have started once, by the data of the host's own member. */
  started: string[];
  /** Likewise the peer URLs of all that it ever knew. */
  known: string[];
}

/** The observation's id, for guards. */
export const ETCD_CLUSTER = handle<EtcdClusterState>('etcd-cluster');

/**
 * Asks every endpoint of the client for its health and for the list of members. Only where none of them gives a list is the
 * host's own data read, which works also while etcd is down. `dataDirectory` is that of the host's own member.
 */
export function etcdCluster(client: EtcdClient, dataDirectory: string): Observation<EtcdClusterState> {
  const question = quorumQuestion(client);
  return {
    ...ETCD_CLUSTER,
    when: 'start',
    sharedQuestions: [question],
    probe: () => sh`told=$(${printAnswer(question)})
printf '%s\n' "$told"
case "$told" in
*'"peerURLs"'*) ;;
*) ${startedByData(`${dataDirectory}/member`)} ;;
esac`,
    parse: (answer) => {
      const text = answerText(answer);
      const lists = findLists(text, client).map((json) => JSON.parse(json) as { members?: ListedJson[] });
      return {
        members: lists.find(({ members = [] }) => members.length > 0)?.members?.map(readListed),
        healthy: findHealthy(text, client),
        started: [...text.matchAll(/^started=(.+)$/gmu)].map(([, name]) => name as string),
        known: [...text.matchAll(/^known=(.+)$/gmu)].map(([, url]) => url as string),
      };
    },
  };
}

/**
 * The id that etcd gives a member which is started with `initial-cluster-state: new`; one that was added by `member add` has
 * another, because the time of that is part of it. Source: computeMemberId in etcd's server/etcdserver/api/membership/member.go.
 */
export function idOfNewMember(peerUrls: readonly string[], token: string): string {
  const hash = createHash('sha1')
    .update([...peerUrls].sort().join(''))
    .update(token)
    .digest();
  return hash.readBigUInt64BE(0).toString();
}

/**
 * Prints `started=pg1` for each member that told its client URLs to etcd once, and `known=https://10.0.0.11:2380` for each that was ever made, by what
 * the log and the snapshots of a member hold.
 */
function startedByData(member: string): Script {
  return sh`cat ${member}/wal/*.wal ${member}/snap/*.snap 2>/dev/null | tr -c '[:print:]' '\n' | grep -F URLs | sed 's/{/\n&/g' | sed -n -E -e ${STARTED} -e ${KNOWN} | sort -u`;
}

/** In a snapshot the quotes are escaped. */
const STARTED = String.raw`s/^\{\\?"name\\?":\\?"([^"\\]*)\\?",\\?"clientURLs\\?":.*/started=\1/p`;

const KNOWN = String.raw`s/^\{.*"peerURLs\\?":\[\\?"([^"\\]*)\\?".*/known=\1/p`;

interface ListedJson {
  ID?: string;
  name?: string;
  peerURLs?: string[];
  clientURLs?: string[];
  isLearner?: boolean;
}

function readListed({ ID = '', name = '', peerURLs = [], clientURLs = [], isLearner = false }: ListedJson): EtcdListed {
  return { id: ID, name, peerUrls: peerURLs, clientUrls: clientURLs, learner: isLearner };
}
