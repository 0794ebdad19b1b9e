import {
  defineOperation,
  pgprov,
  topologyOf,
  upgradeFacts,
  upgradePlace,
  upgradeReads,
  upgradeTrial,
  type Observation,
  type RoleContext,
} from '../index.js';
import { backupAsks } from './shared/upgrade/backups.js';
import { backSteps } from './shared/upgrade/back.js';
import { finished, leftOver, proofs } from './shared/upgrade/end.js';
import { finishSteps } from './shared/upgrade/finish.js';
import { forwardSteps } from './shared/upgrade/forward.js';
import { upgradeObjections, upgradeProblems, upgradeQuestion } from './shared/upgrade/guards.js';
import { conformStep, inventoryStep, versionAim } from './shared/upgrade/landing.js';
import { majorsOf } from './shared/upgrade/majors.js';
import { chosenOf, isLetIn, type UpgradeOptions } from './shared/upgrade/seen.js';
import { variables } from '../../roles/shared/variables.js';
import { PAUSE_POOLS, poolChecks, resumeEarly } from './shared/pause-pools.js';
import { memberRuns } from './shared/stopped.js';

/** Seconds for which what passes by itself is waited for: the lease of a leader that was stopped. */
const PATIENCE = 60;

export default defineOperation<UpgradeOptions>({
  name: 'upgrade',
  description: 'another major version of PostgreSQL, by pg_upgrade on the leader; the former data is kept until --finish',
  options: {
    to: { type: 'integer', value: 'version', minimum: 13, description: 'the major version to have; with --undo, the one to go back to' },
    transfer: {
      type: 'string',
      value: 'way',
      enum: ['copy', 'clone'],
      default: 'copy',
      description: 'how files come to the new data: copied, or cloned where the file system can',
    },
    finish: { type: 'boolean', final: true, description: 'remove the data of the former version; there is no way back then' },
    pausePools: PAUSE_POOLS,
    undo: { type: 'boolean', answers: 'takes-back', description: 'go back to the former version and its data' },
  },
  roles: ({ catalog, inventory }) =>
    catalog.filter(({ name }) => inventory.hosts.some(({ roles }) => roles.includes(name))).map(({ name }) => name),
  aims: ({ to, undo, finish, older, newer }) => {
    const aimed = finish === true ? undefined : undo === true ? (older ?? to) : (newer ?? to);
    return aimed === undefined ? undefined : versionAim(aimed);
  },
  requiresConverged: false,
  holdsMembers: true,
  patience: PATIENCE,
  observations: (context, { options }) => observed(context, options),
  problems: upgradeProblems,
  choose: chosenOf,
  guards: upgradeObjections,
  remaining: (run) => {
    const { options } = run;
    if (options.finish === true) return { steps: finishSteps(run) };
    if (options.undo === true)
      return { steps: [...backSteps(run), ...resumeEarly(run), ...conformStep(run), ...inventoryStep(run, options.older ?? 0)] };
    return forwardSteps(run);
  },
  back: (run) => [...(run.options.undo === true || run.options.finish === true || isLetIn(run) ? [] : backSteps(run)), ...resumeEarly(run)],
  question: upgradeQuestion,
  nothing: finished,
  checks: (run) => [...proofs(run), ...poolChecks(run)],
  finished,
  leaves: leftOver,
  broken: async (run) => {
    const { inventory, options } = run;
    if (options.finish === true) return undefined;
    if (options.undo === true)
      return `the way back to PostgreSQL ${options.older} is not over; ${pgprov`upgrade ${inventory}`} goes on with it`;
    if (isLetIn(run))
      return `clients are let in to PostgreSQL ${options.newer}; ${pgprov`upgrade ${inventory}`} finishes what is left, and ${pgprov`upgrade ${inventory} --undo`} goes back to ${options.older}, without what is written since`;
    return undefined;
  },
});

/** A host without PostgreSQL is asked about backups alone. */
function observed(context: RoleContext, { to, newer }: UpgradeOptions): Observation[] {
  if (topologyOf(context.host) !== 'patroni') return backupAsks(context);
  const { unit, configFile } = context.platform.patroni;
  const majors = majorsOf(context);
  const target = newer ?? to ?? variables(context.host, 'postgresql').version;
  return [
    ...memberRuns(context),
    upgradePlace(majors, { unit, configFile }),
    upgradeFacts(majors, target),
    upgradeTrial(majors, target),
    upgradeReads(majors, target),
    ...backupAsks(context),
  ];
}
