import {
  allServersCheck,
  answerText,
  findLeader,
  gate,
  leaderCheck,
  leaderQuestion,
  printAnswer,
  type Gate,
  type RoleContext,
} from '../../../src/index.js';
import { consulClient, consulServers } from './servers.js';

/** Journal lines of Consul that more waiting will not fix. */
const HOPELESS = [
  'x509: ',
  'bad certificate',
  'address already in use',
  'permission denied',
  'no space left on device',
  'Error parsing',
  'invalid config key',
  'Failed to load',
  'cannot assign requested address',
];

/** Open when the host's own agent knows who leads the servers, which takes a quorum of them. */
export function leaderGate({ host, platform }: RoleContext): Gate {
  const client = consulClient(platform, 'management');
  const question = leaderQuestion(client);
  return gate({
    name: 'consul-leader',
    title: `Consul on ${host.name} has a leader`,
    check: leaderCheck(client),
    look: {
      sharedQuestions: [question],
      probe: () => printAnswer(question),
      parse: (answer) => ({ open: findLeader(answerText(answer), client) !== undefined, seen: '' }),
    },
    unit: platform.consul.unit,
    fatalLogPatterns: HOPELESS,
    timeout: 60,
  });
}

/** Open when all servers are healthy and vote, by the word of the one that leads. */
export function allServersGate({ inventory, platform }: RoleContext): Gate {
  const servers = consulServers(inventory);
  return gate({
    name: 'consul-all-healthy',
    title: 'every server of Consul is healthy',
    check: allServersCheck(consulClient(platform, 'management'), servers.length),
    unit: platform.consul.unit,
    fatalLogPatterns: HOPELESS,
    timeout: 120,
  });
}
