import { enumerate, unitRestart, unitStartHandle, type HostStep } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { memberGate } from '../../../../roles/shared/patroni/start.js';
import { standbyGate } from '../member-gate.js';
import { answerOf, leaderOf } from '../members.js';
import { canGoBack, changeWords, formerOf, missing, targetsOf, toHold, updatableHosts, type UpdateRun } from './options.js';
import { isDown, isStoreDown, switching } from './steps.js';

/** States of a member whose PostgreSQL is up. Patroni tries one that fails again and again, which is then starting as often as not. */
const UP = /^(?:running|streaming|in archive recovery)$/u;

/**
 * The way back of a host that an update has failed on, or was interrupted on while it restarts: the former versions, from the files that were
 * kept, and what they run restarted. A host that works keeps what it has, and the same command goes on there.
 */
export function wayBack(run: UpdateRun): HostStep[] {
  const failed = updatableHosts(run.inventory).filter(({ name }) => run.view.surveyed(name) && isFailed(run, name));
  return failed.flatMap(({ name }) => returnStep(run, name)).slice(0, 1);
}

/** Whether a host cannot go on with the new versions: half of them are installed, or what they run does not come up. */
function isFailed(run: UpdateRun, host: string): boolean {
  if (missing(run, host, formerOf(run, host)).length === 0) return false;
  const member = answerOf(run.view, host);
  const isUp = member !== undefined && UP.test(member.state);
  return (
    missing(run, host, targetsOf(run, host)).length > 0 || isStoreDown(run, host) || isDown(run, host) || (hasMember(run, host) && !isUp)
  );
}

/** Whether what changes on a host is about its member of the cluster. */
function hasMember(run: UpdateRun, host: string): boolean {
  return ['patroni', 'postgresql'].some((role) => changes(run, host, role));
}

function changes(run: UpdateRun, host: string, role: string): boolean {
  const former = formerOf(run, host);
  return Object.keys(run.options.targets?.[host]?.[role] ?? {}).some((name) => former[name] !== undefined);
}

function returnStep(run: UpdateRun, host: string): HostStep[] {
  const { view, inventory } = run;
  const former = formerOf(run, host);
  if (!canGoBack(run, host)) return [];
  const { role, unit: storeUnit, restart } = dcsOf(inventory);
  const leader = leaderOf(view);
  const startOf = (unit: string): string => view.read(host, unitStartHandle(unit)) ?? '';
  const [isStore, isMember] = [changes(run, host, role), hasMember(run, host)];
  return [
    {
      id: `return-${host}`,
      title: returnTitle(run, host),
      on: [host],
      resources: (context) => [
        switching(context, former, { back: true, hold: toHold(run, host) }),
        ...(isStore ? [unitRestart({ unit: storeUnit, before: startOf(storeUnit), unless: restart.unless(context) })] : []),
        ...(isMember ? [unitRestart({ unit: context.platform.patroni.unit, before: startOf(context.platform.patroni.unit) })] : []),
      ],
      gates: (context) => [
        ...(isStore ? restart.gates(context) : []),
        ...(isMember ? [leader === undefined || leader === host ? memberGate(context) : standbyGate(context)] : []),
      ],
    },
  ];
}

/** A host goes back to what it had, as a step is called. */
export function returnTitle(run: UpdateRun, host: string): string {
  const former = formerOf(run, host);
  const words = changeWords(targetsOf(run, host), former, Object.keys(former));
  return `put back on ${host} what it had: ${words.join(', ')}; and restart what it runs`;
}

/** What is said of an update that has ended early. */
export function brokenWords(run: UpdateRun): string | undefined {
  const hosts = updatableHosts(run.inventory).map(({ name }) => name);
  const changing = hosts.filter((name) => Object.keys(formerOf(run, name)).length > 0);
  const are = (names: readonly string[], what: string): string[] =>
    names.length === 0 ? [] : [`${enumerate(names)} ${names.length === 1 ? 'has' : 'have'} ${what}`];
  const updated = changing.filter((name) => missing(run, name, targetsOf(run, name)).length === 0);
  const former = changing.filter((name) => missing(run, name, formerOf(run, name)).length === 0);
  const words = [...are(updated, 'the new versions'), ...are(former, 'those from before')];
  return words.length === 0 ? undefined : `the update ended early: ${words.join(', ')}`;
}
