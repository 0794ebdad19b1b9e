import type { StepResult } from '../events.js';
import { PgprovError } from '../lib/errors.js';
import { isCoordinated, stepWork, type States } from '../plan/plan.js';
import type { RunStage } from '../plan/host-work.js';
import { CoordinatedChange } from './coordinated-change.js';
import { waitsInVain, type HostSteps, type StepTies } from './host-steps.js';
import type { RunResults } from './run-results.js';
import type { Session } from './session.js';

/** What a wave is made of. */
export interface Wave {
  stage: RunStage;
  hosts: readonly string[];
  steps: HostSteps;
  sessions: ReadonlyMap<string, Session>;
  results: RunResults;
  /** Every host that has the stage's role is part of the run, so what none of them gives nobody will. */
  whole: boolean;
}

/**
 * Takes hosts through a stage side by side; where a change concerns the whole cluster, those that follow in it begin, and
 * the one that leads comes when all of them wait. Gives the first host that failed.
 */
export async function takeWave({ stage, hosts, steps, sessions, results, whole }: Wave): Promise<string | undefined> {
  const states = (host: string): States => sessions.get(host)?.states ?? new Map<string, unknown>();
  const leading = hosts.filter((host) => coordinatedOf(stage, host, states(host), 'initiates').length > 0);
  const following = new Map(
    hosts
      .filter((host) => !leading.includes(host))
      .map((host) => [host, coordinatedOf(stage, host, states(host), 'waits')] as const)
      .filter(([, resources]) => resources.length > 0),
  );
  // What none of the hosts gives is not changed on any of them.
  const isOrphaned =
    whole && [...following].some(([host, resources]) => resources.some((id) => givers(stage, host, states, id).length === 0));
  const concert = new CoordinatedChange(leading.length === 0 ? [] : [...following.keys()]);
  const tiesOf = (host: string): StepTies => ({
    isBound: () => concert.underWay,
    changing: (resource) => {
      if (following.get(host)?.includes(resource) === true) concert.begin(host);
    },
  });
  const lead = async (host: string): Promise<StepResult> => {
    const missing = await concert.missing();
    const left = new Set(coordinatedOf(stage, host, states(host), 'initiates'));
    const result =
      missing === undefined
        ? await steps.take(stage, host, { ...tiesOf(host), changed: (resource) => left.delete(resource) })
        : steps.skip(stage, host, `${missing} is not ready, and this changes on all members or on none`);
    // What was begun on a host that fell silent continues there.
    if (left.size > 0 && !results.hasFallenSilent(host)) for (const other of following.keys()) steps.callOff(other, host);
    return result;
  };
  const follow = async (host: string, resources: readonly string[]): Promise<StepResult> => {
    const given = resources.map((id) => givers(stage, host, states, id));
    const silent = given.find((others) => others.length > 0 && others.every((other) => results.isExcluded(other)))?.[0];
    const ties = leading.length === 0 ? undefined : tiesOf(host);
    const result = silent === undefined ? await steps.take(stage, host, ties) : steps.skip(stage, host, waitsInVain(silent));
    concert.end(host);
    return result;
  };
  const outcomes = await Promise.all(
    hosts.map((host) => {
      const part = stage.hosts.get(host);
      if (isOrphaned && part !== undefined && !results.isExcluded(host) && isCoordinated(stepWork(part, states(host)))) {
        concert.end(host);
        return steps.refuse(stage, host, nobodyLeads(stage, host, states(host)));
      }
      if (leading.includes(host)) return lead(host);
      const resources = following.get(host);
      return resources === undefined ? steps.take(stage, host) : follow(host, resources);
    }),
  );
  return hosts[outcomes.indexOf('failed')];
}

/** Ids of a host's resources whose change has that part in one of the whole cluster. */
function coordinatedOf(stage: RunStage, host: string, states: States, part: 'initiates' | 'waits'): string[] {
  const mine = stage.hosts.get(host);
  if (mine === undefined) return [];
  return stepWork(mine, states)
    .changes.filter(({ changes }) => changes.some((change) => change.coordinated === part))
    .map(({ resource }) => resource.id);
}

/** The other hosts that have what a host waits for in a change of that resource, or are about to make it. */
function givers(stage: RunStage, host: string, states: (host: string) => States, id: string): string[] {
  return [...stage.hosts.keys()].filter((other) => other !== host && gives(stage, other, states(other), id));
}

/** True when a host has what those wait for that follow in a resource's change, or is about to make it. */
function gives(stage: RunStage, host: string, states: States, id: string): boolean {
  const resource = stage.hosts.get(host)?.resources.find((candidate) => candidate.id === id);
  if (resource === undefined || !states.has(id)) return false;
  const state = states.get(id);
  return resource.gives?.(state) ?? resource.diff(state).some((change) => change.coordinated === 'initiates');
}

function nobodyLeads(stage: RunStage, host: string, states: States): PgprovError {
  const part = stage.hosts.get(host);
  const all = part === undefined ? [] : stepWork(part, states).changes.flatMap(({ changes }) => changes);
  const summaries = all.filter((change) => change.coordinated !== undefined).map(({ summary }) => summary);
  return new PgprovError({
    kind: 'apply/nobody-leads',
    host,
    message: `${host}: could not ${summaries.join('; ')}: this changes on all hosts together, and none of them leads`,
    hint: 'bring the leader back first, then run the same command again',
  });
}
