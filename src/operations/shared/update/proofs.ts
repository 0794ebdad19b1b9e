import { enumerate, type CheckResult } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { answerOf, leaderOf, streamsFrom } from '../members.js';
import { wantedVersion } from '../../../../roles/shared/programs.js';
import {
  chosenRoles,
  formerOf,
  memberNames,
  missing,
  programOn,
  rolesOn,
  targetsOf,
  titleOf,
  updatableHosts,
  type UpdateRun,
} from './options.js';

/** That each host has the versions and runs them, that all stream, and that nothing is pending. */
export function updateChecks(run: UpdateRun): CheckResult[] {
  const { view, inventory } = run;
  const leader = leaderOf(view);
  const { isHealthy, role: store } = dcsOf(inventory);
  return [
    { title: 'the cluster has a leader', ok: leader !== undefined, detail: leader ?? 'nobody leads' },
    ...programChecks(run),
    ...updatableHosts(inventory)
      .filter(({ roles }) => roles.includes(store))
      .map(({ name: host }): CheckResult => {
        const ok = isHealthy(view, host) === true;
        return { host, title: `${titleOf(inventory, store)} works`, ok, detail: ok ? 'it is healthy' : 'it is not healthy', settles: true };
      }),
    ...memberNames(inventory).flatMap((host): CheckResult[] => {
      const pending = answerOf(view, host)?.pendingRestart === true;
      const isStreaming = leader !== undefined && (host === leader || streamsFrom(view, leader, host));
      return [
        {
          host,
          title: 'it streams from the leader',
          ok: isStreaming,
          detail: host === leader ? 'it leads' : `as ${leader ?? 'nobody'} sees it`,
          settles: true,
        },
        { host, title: 'no restart is pending', ok: !pending, detail: pending ? 'a restart is pending' : 'none is' },
      ];
    }),
  ];
}

/** That each host has the versions, and runs them. */
export function programChecks(run: UpdateRun): CheckResult[] {
  return updatableHosts(run.inventory).flatMap(({ name: host }) =>
    Object.keys(run.options.targets?.[host] ?? {}).map((role) => runs(run, host, role)),
  );
}

function runs(run: UpdateRun, host: string, role: string): CheckResult {
  const { view, inventory, options } = run;
  const versions = options.targets?.[host]?.[role] ?? {};
  const left = missing(run, host, versions);
  const { installed = {}, old } = programOn(run, host, role) ?? {};
  const [first = ''] = Object.keys(versions);
  const says = saidVersion(answerOf(view, host), role);
  const ok = left.length === 0 && old === false;
  const title = titleOf(inventory, role);
  if (ok) return { host, title: `${title} runs as it is installed`, ok, detail: `${first} ${installed[first]}${says}` };
  const detail =
    left.length > 0
      ? `${enumerate(left)} ${left.length === 1 ? 'is' : 'are'} not in the new version`
      : old === undefined
        ? 'it does not run'
        : `an older version runs${says}`;
  return { host, title: `${title} runs as it is installed`, ok, detail };
}

/** What runs, by its own word. */
function saidVersion(member: ReturnType<typeof answerOf>, role: string): string {
  if (role === 'patroni' && member !== undefined) return `, it says ${member.version}`;
  if (role !== 'postgresql' || member?.serverVersion === undefined) return '';
  return `, it says ${Math.floor(member.serverVersion / 10_000)}.${member.serverVersion % 10_000}`;
}

/** That there is nothing to do, and which versions are so because the inventory says them. */
export function nothingWords(run: UpdateRun): string {
  const pins = updatableHosts(run.inventory).flatMap((host) =>
    rolesOn(run, host).flatMap((role) => {
      const wanted = wantedVersion({ host, inventory: run.inventory }, role);
      return wanted === undefined ? [] : [{ role, words: `${titleOf(run.inventory, role)} ${wanted}` }];
    }),
  );
  if (pins.length === 0) return 'everything is as new as the repositories have it, and runs';
  const words = [...new Set(pins.map((pin) => pin.words))];
  const isAll = chosenRoles(run).every((role) => pins.some((pin) => pin.role === role));
  const rest = isAll ? '' : '; everything else is as new as the repositories have it, and runs';
  return `${enumerate(words)} ${words.length === 1 ? 'runs' : 'run'}, as the inventory says${rest}`;
}

/** Where the new versions are now. */
export function finishedWords(run: UpdateRun): string {
  const hosts = updatableHosts(run.inventory).map(({ name }) => name);
  const changed = hosts.filter((name) => Object.keys(formerOf(run, name)).length > 0);
  const what = [
    ...new Set(
      changed.flatMap((name) =>
        Object.entries(targetsOf(run, name)).flatMap(([pack, version]) =>
          formerOf(run, name)[pack] === undefined ? [] : [`${pack} ${version}`],
        ),
      ),
    ),
  ];
  const leads = leaderOf(run.view);
  return `${what.length === 0 ? 'what is installed' : what.join(', ')} runs on ${enumerate(changed.length === 0 ? hosts : changed)}${leads === undefined ? '' : `, and ${leads} leads`}`;
}
