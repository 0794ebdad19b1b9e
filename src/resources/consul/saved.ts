import { seconds } from '../../shell/patience.js';
import { sh } from '../../shell/quote.js';
import { lastLineOf, savedAnswer, type SavedPart } from '../saved.js';
import { findAnswer, httpQuestion } from '../http-question.js';
import { answerText } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { consulRequest, type ConsulClient } from './client.js';
import { consulSettings } from './keys.js';

/** Seconds that the servers may take to hand their state over. */
const WITHIN = 60;

/** The servers that count for the quorum as Consul has them, in its JSON. */
export function savedConsulPeers(client: ConsulClient): SavedPart {
  const asked = consulRequest(client, '/v1/operator/raft/configuration?stale');
  const question = httpQuestion(asked);
  return savedAnswer(
    'consul/peers.json',
    {
      questions: [question],
      probe: printAnswer(question),
      read: (answer) => {
        const { status, body } = findAnswer(answerText(answer), asked);
        if (status === 200 && body.startsWith('{')) return Buffer.from(`${body}\n`);
        return status === 0 ? 'the agent of Consul does not answer' : `Consul gives no list of its servers: ${body.split('\n')[0]}`;
      },
    },
    { ofCluster: true },
  );
}

/** How Consul’s own snapshot is taken. */
export interface ConsulSnapshotOptions {
  /** Below its host’s directory, or that of the cluster. */
  name: string;
  /** Bytes; a larger one is left out. */
  limit: number;
  /** Of what this server has, with or without a leader: it may lack the last changes. */
  stale?: true;
}

/**
 * Consul’s own snapshot (`consul snapshot save`): keys, sessions, tokens and policies. It counts only where `consul snapshot inspect` reads it.
 * On the host it is in memory alone, and no longer than the look takes.
 */
export function savedConsulSnapshot(client: ConsulClient, { name, limit, stale }: ConsulSnapshotOptions): SavedPart {
  const program = sh`env ${consulSettings(client).split(' ')} timeout ${seconds(WITHIN)} consul snapshot`;
  return savedAnswer(
    name,
    {
      probe: sh`umask 077
work=$(mktemp -d /run/pgprov-snapshot.XXXXXX)
trap 'rm -rf "$work"' EXIT
${program} save ${stale === true ? ['-stale'] : []} "$work/snapshot" >"$work/said" 2>&1 || { tail -n 1 "$work/said"; exit 1; }
${program} inspect "$work/snapshot" >"$work/said" 2>&1 || { echo 'Consul cannot read the snapshot that it gave:'; tail -n 1 "$work/said"; exit 1; }
size=$(wc -c <"$work/snapshot")
[ "$size" -le ${limit} ] || { echo "Consul’s snapshot has $size bytes, more than" ${limit}; exit 1; }
cat "$work/snapshot"`,
      read: (answer) => (answer.status === 0 && answer.out.length > 0 ? answer.out : lastLineOf(answer)),
    },
    stale === true ? {} : { ofCluster: true },
  );
}
