import { sh } from '../../shell/quote.js';
import { answerText, digestOf, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { etcdctl, findMembers, memberQuestion, type EtcdClient } from './client.js';

/** A member that etcd is to have no more, and who is asked for that. */
export interface EtcdRemovedOptions {
  name: string;
  /** Where the others reach it, where that is known: a member that has never started has no name. */
  peerUrl?: string;
  /** A host of another member, with that member alone as its endpoint. */
  client: EtcdClient;
}

/**
 * etcd counts on a member no more. It refuses by itself where too few of the others would be connected to each other (`strict-reconfig-check`). The
 * data of the member stays where it is, and its process ends when it hears of it.
 */
export function etcdRemoved({ name, peerUrl = '', client }: EtcdRemovedOptions): Resource<{ listed: boolean }> {
  const id = `etcd-removed:${name}`;
  const question = memberQuestion(client);
  return {
    id,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => {
      const json = findMembers(answerText(answer), client);
      if (json === '') return { listed: true };
      const { members = [] } = JSON.parse(json) as { members?: { name?: string; peerURLs?: string[] }[] };
      return { listed: members.some((member) => member.name === name || member.peerURLs?.includes(peerUrl) === true) };
    },
    diff: ({ listed }) => (listed ? [{ action: 'run', summary: `take ${name} out of the members of etcd` }] : []),
    apply: () => sh`listed=$(${etcdctl(client, ['member', 'list'])}) || exit 1
for id in $(printf '%s\n' "$listed" | awk -F ', ' -v url=${peerUrl} -v name=${name} '$3 == name || (url != "" && $4 == url) { print $1 }'); do
${etcdctl(client, ['member', 'remove'])} "$id" || exit 1
done`,
    digest: () => digestOf(id, peerUrl),
  };
}
