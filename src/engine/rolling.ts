import type { Inventory } from '../model/index.js';
import { interrupts, stepWork } from '../plan/plan.js';
import type { RunStage } from '../plan/shape.js';
import { PATRONI_MEMBER, type PatroniMemberState } from '../resources/patroni-member.js';
import type { Session } from './session.js';

/** In which order the hosts of a rolling stage go; hosts of one wave go side by side. */
export interface Waves {
  /** The first leader, when it has to be started before the others. */
  leader: string[];
  /** Hosts where nothing that runs is interrupted. */
  together: string[];
  /** One at a time, the present leader last. */
  oneByOne: string[];
}

/** Sorts a rolling stage's hosts by what their steps would do to what runs now. */
export function sortWaves(stage: RunStage, sessions: ReadonlyMap<string, Session>, inventory: Inventory): Waves {
  const interrupting: string[] = [];
  const gentle: string[] = [];
  for (const [host, part] of stage.hosts) {
    const session = sessions.get(host);
    if (session === undefined) continue;
    (interrupts(stepWork(part, session.states)) ? interrupting : gentle).push(host);
  }
  const first = stage.leaderFirst ? gentle.filter((host) => host === inventory.leader) : [];
  const leads = (host: string): boolean => {
    const member = sessions.get(host)?.states.get(PATRONI_MEMBER) as PatroniMemberState | undefined;
    return member?.answers === true && member.role === 'leader';
  };
  return {
    leader: first,
    together: gentle.filter((host) => !first.includes(host)),
    oneByOne: [...interrupting.filter((host) => !leads(host)), ...interrupting.filter(leads)],
  };
}

/** True when the host's step would start something that is down. */
export function startsSomething(stage: RunStage, session: Session): boolean {
  const part = stage.hosts.get(session.host.name);
  if (part === undefined) return false;
  return stepWork(part, session.states).changes.some(({ changes }) => changes.some(({ action }) => action === 'start'));
}
