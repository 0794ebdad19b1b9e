import {
  dataDirectoryOf,
  defineOperation,
  enumerate,
  localServer,
  migrationSeen,
  type Observation,
  type OperationStart,
  type RoleContext,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { proofs, sameCommand, switchCommand, told } from './shared/migrate/end.js';
import { migrateProblems } from './shared/migrate/given.js';
import { migrateObjections } from './shared/migrate/guards.js';
import { chosenOf, isMoved, sourceOf, undoCommand, type MigrateOptions } from './shared/migrate/seen.js';
import { forwardSteps, undoSteps } from './shared/migrate/steps.js';
import { hasPatroni, serverRole, serverRuns } from './shared/servers.js';

/** Seconds for which what passes by itself is waited for: an election, a server that starts. */
const PATIENCE = 60;

export default defineOperation<MigrateOptions>({
  name: 'migrate',
  description: 'bring the databases of another living cluster here by logical replication, and move clients over in seconds',
  takesSource: true,
  options: {
    databases: { type: 'string', value: 'names', description: 'databases, with commas between them; default: all but postgres' },
    switch: { type: 'boolean', answers: true, description: 'move clients over: close the databases there, open them here' },
    undo: { type: 'boolean', answers: 'takes-back', description: 'keep the copies aside, and have the other cluster serve again' },
  },
  roles: ({ inventory }) => [...(hasPatroni(inventory) ? [dcsOf(inventory).role] : []), serverRole(inventory)],
  requiresConverged: false,
  streaming: true,
  patience: PATIENCE,
  observations: observed,
  problems: migrateProblems,
  choose: chosenOf,
  guards: migrateObjections,
  remaining: (run) => {
    if (run.options.undo === true) return { steps: undoSteps(run) };
    const steps = forwardSteps(run);
    if (run.options.switch === true || isMoved(run) || steps.length === 0) return { steps };
    return { steps, then: `clients stay where they are until ${switchCommand(run)}` };
  },
  question: ({ options, inventory, source }) => {
    const { names = [] } = options;
    const from = source?.inventory.cluster ?? '';
    if (options.undo === true)
      return `Take ${enumerate(names)} back to ${from}${options.moved === true ? ', without what was written since the switch' : ''}?`;
    if (options.switch === true) return `Move the clients of ${enumerate(names)} from ${from} to ${inventory.cluster}?`;
    return `Copy ${enumerate(names)} from ${from} to ${inventory.cluster}?`;
  },
  nothing: told,
  checks: proofs,
  finished: told,
  broken: async (run) => {
    const { options, inventory, source } = run;
    const from = source?.inventory.cluster ?? '';
    if (options.undo === true) return `it is not taken back as a whole; ${undoCommand(run)} goes on`;
    if (isMoved(run)) return `clients are to use ${inventory.cluster}; ${sameCommand(run)} finishes what is left`;
    return `clients stay with ${from}, unless it was cut off within the switch; ${sameCommand(run)} goes on, and ${undoCommand(run)} takes it back`;
  },
});

function observed(context: RoleContext, { source }: Pick<OperationStart<MigrateOptions>, 'source'>): Observation[] {
  const { host, inventory, platform } = context;
  if (source === undefined || !host.roles.includes(serverRole(inventory))) return serverRuns(context);
  return [...serverRuns(context), migrationSeen(localServer(host, platform), sourceOf(source), dataDirectoryOf(host, platform))];
}
