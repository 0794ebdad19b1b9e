import { enumerate, pgprov, type Objection, type OperationRun } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../roles/shared/layout.js';
import { patronictl } from '../../../roles/shared/patronictl.js';
import { quorumOf } from '../../../roles/shared/quorum.js';
import { answerOf, dynamicOf, names, scheduledOf, storeOf } from './members.js';
import { utcText } from './moment.js';
import { untilUp } from './passing.js';

type Seen = Pick<OperationRun<object>, 'view' | 'inventory'>;

/** That Patroni is in maintenance mode. */
export function maintenanceObjection({ view, inventory }: Seen): Objection[] {
  if (dynamicOf(view)['pause'] !== true) return [];
  return refuse(
    'the cluster is in maintenance mode, in which Patroni leaves the members alone',
    `end it first (${pgprov`resume ${inventory}`}), then run this again`,
  );
}

/** That Patroni's store cannot be written, where it is so: a leader keeps its lease no longer, and nobody can take it. */
export function quorumObjection({ view, inventory }: Seen): Objection | undefined {
  if (storeOf(view) !== undefined) return undefined;
  const { name: store, role, isHealthy } = dcsOf(inventory);
  const all = hostsWith(inventory, role).map(({ name }) => name);
  const down = all.filter((name) => !view.surveyed(name) || isHealthy(view, name) !== true);
  const objection: Objection = {
    kind: 'refuse',
    message: `${store} has no quorum, so no member can take the lead${down.length === 0 ? '' : `: it does not work on ${enumerate(down)}`}`,
    hint: `bring ${store} back on ${quorumOf(all.length)} of ${enumerate(all)} (${pgprov`apply ${inventory}`} starts it on hosts that can be reached); Patroni then chooses a leader by itself`,
  };
  return untilUp(view, [], [objection])[0];
}

/** What Patroni cannot do now, is about to do with a member, or does: no quorum, a scheduled switchover, or a standby that is being built. */
export function busyObjection({ view, inventory }: Seen): Objection[] {
  const lost = quorumObjection({ view, inventory });
  if (lost !== undefined) return [lost];
  const scheduled = scheduledOf(view);
  if (scheduled !== undefined) {
    return refuse(
      `a switchover to ${scheduled.to ?? 'the best standby'} is scheduled for ${scheduled.at} (${utcText(scheduled.at)})`,
      `wait for it, or cancel it first: ${pgprov`switchover ${inventory} --cancel`}`,
    );
  }
  const building = view.hosts('patroni').filter(({ name }) => answerOf(view, name)?.state === 'creating replica');
  if (building.length === 0) return [];
  return refuse(
    `${names(building)} is being built as a replica, from the member that leads now`,
    `wait until it streams; ${pgprov`status ${inventory}`} shows it`,
  );
}

/** A restart that somebody has scheduled on a member. */
export function scheduledRestartObjection({ view }: Seen, leader: string): Objection[] {
  const answer = answerOf(view, leader);
  const scheduled = answer?.cluster.find(({ scheduledRestart }) => scheduledRestart !== undefined);
  if (scheduled === undefined) return [];
  return refuse(
    `a restart of ${scheduled.name} is scheduled for ${scheduled.scheduledRestart}`,
    `wait for it, or cancel it: \`${patronictl(view, leader)} flush ${answer?.scope ?? ''} restart\` as root on ${leader}`,
  );
}

function refuse(message: string, hint: string): Objection[] {
  return [{ kind: 'refuse', message, hint }];
}
