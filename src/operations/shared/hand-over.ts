import { enumerate, patroniSwitchover, type HostStep, type View } from '../../index.js';
import { accountsOf, restApiUrl } from '../../../roles/shared/layout.js';
import { answerOf } from './members.js';
import { streamingGate } from './streaming-gate.js';

/**
 * Hands the lead to another member, in a step `hand-over`.
 * @param more what its title says after `hand the lead from pg1 to pg2`, and its effect after that on connections
 */
export function handOverStep(leader: string, candidate: string, more: { title?: string; effect?: string } = {}): HostStep {
  const { title = '', effect = '' } = more;
  return {
    id: 'hand-over',
    title: `hand the lead from ${leader} to ${candidate}${title}`,
    effect: `${cutsConnections(leader)}${effect}`,
    on: [leader],
    measuresWriteGap: true,
    leads: candidate,
    resources: (context) => {
      const { name: user, password } = accountsOf(context).restApi;
      return [patroniSwitchover({ url: restApiUrl(context.host), leader, candidate, user, password })];
    },
  };
}

/** What clients notice when a leader hands over the lead. */
export function cutsConnections(leader: string): string {
  return `every connection to ${leader} is cut, and writes fail for some seconds`;
}

/** What more a former leader's restart as a standby does. */
export function takesUpPending(view: View, leader: string): string {
  return answerOf(view, leader)?.pendingRestart === true ? `; ${leader} restarts with its pending settings` : '';
}

/**
 * Waits for the others, in a step `follow`: Patroni's answer comes seconds before the former leader streams again.
 * @param missing those of them that do not stream yet, which the title names; default: all
 */
export function followStep(to: string, others: readonly string[], missing = others): HostStep {
  return {
    id: 'follow',
    title: `wait until ${enumerate(missing)} ${missing.length === 1 ? 'streams' : 'stream'} from ${to}`,
    on: [to],
    gates: (context) => [streamingGate(context, others)],
  };
}
