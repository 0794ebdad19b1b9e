import { runCluster, type Proposal, type RunOutcome } from '../../engine/run.js';
import type { RoleContext } from '../../plan/role.js';
import type { Selection } from '../../plan/selection.js';
import type { Observation } from '../../resources/resource.js';
import { catalogOf } from '../catalog.js';
import { timeSoFar } from '../prompt-time.js';
import { statusSeen } from '../status-of.js';
import type { EngineParts, Pipeline } from './pipeline.js';

/** What a command asks of the cluster's hosts. */
export interface ClusterRun {
  selection: Selection;
  mode: 'survey' | 'plan' | 'apply';
  /** Take also hosts of systems that pgprov was not tested on. */
  allowUntested?: boolean | undefined;
  /** Ask what the roles ask for commands about certificates as well. */
  inspects?: boolean;
  /** More that is asked of every host. */
  observations?(context: RoleContext): Observation[];
  /** Asked before the first change; throws when it must not be made. */
  consent?(proposal: Proposal, parts: EngineParts): Promise<number | undefined>;
}

/** A run of roles over the hosts, as a command hands it to the pipeline. */
export function clusterRun({ inventory, environment }: Pipeline, run: ClusterRun): (parts: EngineParts) => Promise<RunOutcome> {
  const { selection, mode, inspects = false, allowUntested = false, observations, consent } = run;
  return async (parts) =>
    runCluster({
      inventory,
      catalog: catalogOf(inventory),
      inspects,
      allowUntested,
      ...(observations === undefined ? {} : { observations }),
      selection,
      mode,
      transport: parts.transport,
      store: await environment.openStore(inventory, { writable: mode === 'apply' }),
      emit: parts.emit,
      signal: parts.signal,
      begin: parts.begin,
      startUp: timeSoFar(),
      ...(consent === undefined ? {} : { consent: (proposal) => consent(proposal, parts) }),
      ...(mode === 'survey' ? {} : { describe: (view) => statusSeen(inventory, catalogOf(inventory), view) }),
    });
}
