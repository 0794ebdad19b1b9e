import { enumerate, type CheckResult, type OperationStep } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { leaderOf } from '../members.js';
import { streamChecks } from '../stream-checks.js';
import type { LeavingRun as Run } from './options.js';
import { formerUnit, isListed, isRoleTaken, losers, pending, runsThere } from './role-seen.js';
import { bears, leaveStore } from './steps.js';

/** What is left to do until the hosts stay without the store: one after the other. */
export function roleSteps(run: Run): OperationStep[] {
  if (isRoleTaken(run)) return [];
  return [...pending(run).flatMap((name) => [...leave(run, name), ...stopStore(run, name)]), ...bring(run)];
}

/** Another member is told that this one is none any more. */
function leave(run: Run, name: string): OperationStep[] {
  const { inventory, options } = run;
  if (!isListed(run, name)) return [];
  const { name: store, role } = dcsOf(inventory);
  const listed = losers(run).filter((each) => isListed(run, each));
  const left = hostsWith(inventory, role).length + listed.slice(listed.indexOf(name) + 1).length;
  return leaveStore({ ...run, options: { ...options, host: name } }).map((step) => ({
    ...step,
    id: `${step.id}-${name}`,
    effect: bears(store, left),
  }));
}

/** Its member ends by itself when it hears that it is none any more, and must not come back at a boot. */
function stopStore(run: Run, name: string): OperationStep[] {
  if (!runsThere(run, name)) return [];
  return [
    {
      id: `stop-store-${name}`,
      title: `stop and disable ${dcsOf(run.inventory).name} on ${name}; all else on ${name} goes on`,
      on: [name],
      resources: (context) => [formerUnit(context)],
    },
  ];
}

/** All hosts as the inventory has them: addresses of the store, and firewalls. */
function bring({ catalog, done, inventory }: Run): OperationStep[] {
  if (done.has('bring')) return [];
  const hosts = inventory.hosts.filter(({ roles }) => roles.length > 0).map(({ name }) => name);
  return [
    {
      id: 'bring',
      title: `bring ${enumerate(hosts)} to what the inventory says`,
      converge: {
        roles: catalog.map((role) => role.name).filter((role) => hostsWith(inventory, role).length > 0),
        proves: true,
        leavesAbsent: true,
      },
    },
  ];
}

/** The store does without the hosts, on which nothing of it runs any more, and all members stream. */
export function roleProofs(run: Run): CheckResult[] {
  const { view, inventory } = run;
  const { name: store, role, isHealthy } = dcsOf(inventory);
  const inStore = hostsWith(inventory, role).map((host) => host.name);
  const sick = inStore.filter((each) => isHealthy(view, each) !== true);
  const names = losers(run);
  const members = hostsWith(inventory, 'patroni').map((host) => host.name);
  return [
    {
      title: `${store} does without ${enumerate(names)}`,
      ok: sick.length === 0 && !names.some((name) => isListed(run, name)),
      detail: sick.length > 0 ? `${enumerate(sick)} not healthy` : `${enumerate(inStore)} ${inStore.length === 1 ? 'is' : 'are'} healthy`,
      settles: true,
    },
    ...names.map((name): CheckResult => {
      const runs = runsThere(run, name);
      const detail = runs ? 'its unit runs, or is enabled' : 'its unit is stopped and disabled';
      return { host: name, title: `${store} does not run there, or start at a boot`, ok: !runs, detail };
    }),
    ...streamChecks(view, leaderOf(view), members),
  ];
}
