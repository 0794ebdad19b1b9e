import { seconds } from '../../shell/patience.js';
import { sh } from '../../shell/quote.js';
import { answerText, digestOf, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { agentsQuestion, findAgents, findServers, type ConsulClient } from './client.js';
import { consulSettings } from './keys.js';

/** An agent that Consul is to have no more, and who is asked for that. */
export interface ConsulRemovedOptions {
  /** Its node's name. */
  name: string;
  /** Where the servers reach it, `10.0.0.13:8300`, where that is known and it is one of them. */
  address?: string;
  /** The host of a server that works. */
  client: ConsulClient;
}

/** Seconds until the servers have noticed that it is down, and that it is to stay so. */
const WITHIN = 180;

/**
 * Consul has an agent no more that does not run: it is made to leave (`consul force-leave`), upon which the leader takes a server out of those that
 * count for the quorum. One that gossip does not know any more is taken out of these by its address (`consul operator raft remove-peer`). Of an agent
 * that runs nothing comes: it says that it is there.
 */
export function consulRemoved({ name, address = '', client }: ConsulRemovedOptions): Resource<{ listed: boolean }> {
  const id = `consul-removed:${name}`;
  const question = agentsQuestion(client);
  return {
    id,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => {
      const text = answerText(answer);
      const agents = findAgents(text, client);
      const servers = findServers(text, client);
      if (agents === undefined || servers === undefined) return { listed: true };
      return { listed: agents.includes(name) || servers.some((server) => server.name === name) };
    },
    diff: ({ listed }) => (listed ? [{ action: 'run', summary: `take ${name} out of Consul` }] : []),
    apply: () => sh`ask() { env ${consulSettings(client).split(' ')} timeout ${seconds(20)} consul "$@" 2>&1; }
began=$(date +%s)
while :; do
if agents=$(ask members) && peers=$(ask operator raft list-peers); then
status=$(printf '%s\n' "$agents" | awk -v name=${name} '$1 == name { print $3 }')
peer=$(printf '%s\n' "$peers" | awk -v name=${name} -v address=${address} '$1 == name || $3 == address { print $3 }')
case "$status:$peer" in
: | left:) break ;;
:*) said=$(ask operator raft remove-peer "-address=$peer") || : ;;
*) said=$(ask force-leave -prune ${name}) || : ;;
esac
else said=$agents$peers
fi
if [ $(($(date +%s) - began)) -ge ${seconds(WITHIN)} ]; then
echo 'Consul has it yet:'
printf '%s\n' "$said" | tail -n 1
exit 1
fi
note 'waiting until Consul has it no more'
sleep 2
done`,
    digest: () => digestOf(id, address),
  };
}
