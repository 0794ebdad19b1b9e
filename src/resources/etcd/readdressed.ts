import { sh } from '../../shell/quote.js';
import { answerText, digestOf, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { etcdctl, findMembers, memberQuestion, type EtcdClient } from './client.js';

/** A member of etcd that the others are to reach elsewhere, and who is asked for that. */
export interface EtcdReaddressedOptions {
  name: string;
  /** Where the others are to reach it. */
  peerUrl: string;
  /** A host of another member, with that member alone as its endpoint. */
  client: EtcdClient;
}

/** etcd reaches a member at this peer URL (`member update`). The member itself listens there only when it is started with it. */
export function etcdReaddressed({ name, peerUrl, client }: EtcdReaddressedOptions): Resource<{ listed: boolean }> {
  const id = `etcd-readdressed:${name}`;
  const question = memberQuestion(client);
  return {
    id,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => {
      const json = findMembers(answerText(answer), client);
      const { members = [] } = (json === '' ? {} : JSON.parse(json)) as { members?: { name?: string; peerURLs?: string[] }[] };
      return { listed: members.some((member) => member.name === name && member.peerURLs?.includes(peerUrl) === true) };
    },
    diff: ({ listed }) => (listed ? [] : [{ action: 'run', summary: `tell etcd that ${name} is at ${peerUrl}` }]),
    apply: () => sh`listed=$(${etcdctl(client, ['member', 'list'])}) || exit 1
own=$(printf '%s\n' "$listed" | awk -F ', ' -v name=${name} '$3 == name { print $1 }')
case "$own" in
'' | *[!0-9a-f]*)
echo ${`etcd does not list ${name} once:`}
printf '%s\n' "$listed"
exit 1
;;
esac
${etcdctl(client, ['member', 'update'])} "$own" ${`--peer-urls=${peerUrl}`}`,
    digest: () => digestOf(id, peerUrl),
  };
}
