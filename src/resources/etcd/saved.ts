import { createHash } from 'node:crypto';
import { sh } from '../../shell/quote.js';
import { findMembers, memberQuestion, snapshotRequest, type EtcdClient } from './client.js';
import { answerText } from '../resource.js';
import { lastLineOf, savedAnswer, type SavedPart } from '../saved.js';
import { printAnswer } from '../shared-question.js';

/** Seconds that a member may take to hand its database over. */
const WITHIN = 60;

/** etcd ends a snapshot with its SHA-256. */
const DIGEST = 32;

/** The list of members as the host's own one has it, in etcd's JSON. */
export function savedEtcdMembers(client: EtcdClient): SavedPart {
  const question = memberQuestion(client);
  return savedAnswer(
    'etcd/members.json',
    {
      questions: [question],
      probe: printAnswer(question),
      read: (answer) => {
        const list = findMembers(answerText(answer), client);
        return list === '' ? 'etcd gives no list of its members' : Buffer.from(list);
      },
    },
    { ofCluster: true },
  );
}

/**
 * The database as the host's own member hands it over: the file that `etcdctl snapshot save` writes.
 * @param database the file that it is kept in
 * @param limit bytes; a larger one is left out
 */
export function savedEtcdSnapshot(client: EtcdClient, { database, limit }: { database: string; limit: number }): SavedPart {
  return savedAnswer(
    'etcd/snapshot.db',
    {
      probe: sh`size=$(wc -c <${database}) || size=0
[ "$size" -le ${limit} ] || { echo "etcd’s database has $size bytes, more than" ${limit}; exit 1; }
${snapshotRequest(client, WITHIN)} 2>&1`,
      read: (answer) => (answer.status === 0 ? readSnapshot(answerText(answer)) : lastLineOf(answer)),
    },
    { ofCluster: true },
  );
}

/** Puts the parts of a snapshot together; why there is none, where its digest is not that of what comes before. */
function readSnapshot(text: string): Buffer | string {
  const parts = text.split('\n').flatMap((line) => {
    const blob = /"blob": *"([A-Za-z0-9+/=]*)"/u.exec(line)?.[1];
    return blob === undefined ? [] : [Buffer.from(blob, 'base64')];
  });
  const all = Buffer.concat(parts);
  const digest = createHash('sha256').update(all.subarray(0, -DIGEST)).digest();
  return all.length > DIGEST && digest.equals(all.subarray(-DIGEST)) ? all : 'etcd handed over only part of its database';
}
