import type { StepResult } from '../events.js';
import { stepWork, type States } from '../plan/plan.js';
import type { RunStage } from '../plan/shape.js';
import { Concert } from './concert.js';
import { waitsInVain, type HostSteps, type StepTies } from './host-steps.js';
import type { Ledger } from './ledger.js';
import type { Session } from './session.js';

/** What a wave is made of. */
export interface Wave {
  stage: RunStage;
  hosts: readonly string[];
  steps: HostSteps;
  sessions: ReadonlyMap<string, Session>;
  ledger: Ledger;
}

/**
 * Takes hosts through a stage side by side; where a change concerns the whole cluster, those that follow in it begin, and
 * the one that leads comes when all of them wait. Gives the first host that failed.
 */
export async function takeWave({ stage, hosts, steps, sessions, ledger }: Wave): Promise<string | undefined> {
  const states = (host: string): States => sessions.get(host)?.states ?? new Map<string, unknown>();
  const leading = hosts.filter((host) => concerted(stage, host, states(host), 'leads').length > 0);
  const following = new Map(
    leading.length === 0
      ? []
      : hosts
          .filter((host) => !leading.includes(host))
          .map((host) => [host, concerted(stage, host, states(host), 'follows')] as const)
          .filter(([, resources]) => resources.length > 0),
  );
  const silent = leading.find((host) => ledger.isOut(host));
  const concert = new Concert([...following.keys()]);
  const tiesOf = (host: string): StepTies => ({
    isBound: () => concert.underWay,
    changing: (resource) => {
      if (following.get(host)?.includes(resource) === true) concert.begin(host);
    },
  });
  const lead = async (host: string): Promise<StepResult> => {
    const missing = await concert.missing();
    if (missing === undefined) return steps.take(stage, host, tiesOf(host));
    return steps.skip(stage, host, `${missing} is not ready, and this changes on all members or on none`);
  };
  const follow = async (host: string): Promise<StepResult> => {
    const result =
      silent === undefined ? await steps.take(stage, host, tiesOf(host)) : steps.skip(stage, host, waitsInVain(silent));
    concert.end(host);
    return result;
  };
  const results = await Promise.all(
    hosts.map((host) => {
      if (leading.includes(host)) return lead(host);
      return following.has(host) ? follow(host) : steps.take(stage, host);
    }),
  );
  return hosts[results.indexOf('failed')];
}

/** Ids of a host's resources whose change has that part in one of the whole cluster. */
function concerted(stage: RunStage, host: string, states: States, part: 'leads' | 'follows'): string[] {
  const mine = stage.hosts.get(host);
  if (mine === undefined) return [];
  return stepWork(mine, states).changes.filter(({ changes }) => changes.some((change) => change.concerted === part)).map(({ resource }) => resource.id);
}
