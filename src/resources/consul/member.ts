import { sh } from '../../shell/quote.js';
import { handle } from '../handle.js';
import { answerText, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { agentsQuestion, findAgents, findLeader, findServers, leaderQuestion, type ConsulClient, type ConsulServer } from './client.js';

/** A server of Consul as its host sees it. */
export interface ConsulMemberState {
  /** Who leads, `10.0.0.11:8300`, by the host's own server; undefined: it does not answer, or has no quorum. */
  leader: string | undefined;
  /** All servers as the leader sees them; undefined where nobody tells. */
  servers: readonly ConsulServer[] | undefined;
  /** Names of all agents that have not left, as gossip has them; undefined where nobody tells. */
  agents?: readonly string[];
  /** It has data: it is a member of servers that elected a leader, or was. */
  hasData: boolean;
}

/** The observation's id, for guards, checks and status. */
export const CONSUL_MEMBER = handle<ConsulMemberState>('consul-member');

/** Whether the host's own server works: it knows a leader, and that one calls it healthy. */
export function consulMember(client: ConsulClient, dataDirectory: string): Observation<ConsulMemberState> {
  const question = agentsQuestion(client);
  return {
    ...CONSUL_MEMBER,
    sharedQuestions: [question],
    probe: () => sh`if [ -e ${`${dataDirectory}/raft/raft.db`} ]; then echo data; else echo nodata; fi
${printAnswer(question)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const agents = findAgents(text, client);
      return {
        hasData: text.startsWith('data\n'),
        leader: findLeader(text, client),
        servers: findServers(text, client),
        ...(agents === undefined ? {} : { agents }),
      };
    },
  };
}

/** What an agent of Consul that is no server sees. */
export interface ConsulAgentState {
  /** Who leads the servers, by the word of one that it reaches; undefined: the agent does not answer, or reaches none. */
  leader: string | undefined;
}

/** The observation's id. */
export const CONSUL_AGENT = handle<ConsulAgentState>('consul-agent');

/** Whether the host's agent reaches servers that have a leader. */
export function consulAgent(client: ConsulClient): Observation<ConsulAgentState> {
  const question = leaderQuestion(client);
  return {
    ...CONSUL_AGENT,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => ({ leader: findLeader(answerText(answer), client) }),
  };
}
