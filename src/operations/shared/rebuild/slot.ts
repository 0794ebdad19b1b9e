import { DEAD_SLOTS, deadSlotDropped, enumerate, localServer, slotNameOf, type OperationStep, type Resource } from '../../../index.js';
import type { RebuildRun } from './seen.js';

/** Members whose slot of the member that is rebuilt was invalidated: it is used again all the same, and no WAL is kept by it. */
export function withDeadSlot({ view, options: { member = '' } }: RebuildRun): string[] {
  const own = slotNameOf(member);
  return view
    .hosts('patroni')
    .map(({ name }) => name)
    .filter((name) => view.read(name, DEAD_SLOTS)?.includes(own));
}

/** Patroni makes a slot anew that is missing, and leaves alone one that was invalidated (seen with 4.0). */
export function slotStep(run: RebuildRun): OperationStep[] {
  const hosts = withDeadSlot(run);
  if (hosts.length === 0 || run.done.has('slot')) return [];
  const name = slotNameOf(run.options.member ?? '');
  return [
    {
      id: 'slot',
      title: `drop the replication slot ${name} on ${enumerate(hosts)}, which was invalidated, so that Patroni makes it anew`,
      on: hosts,
      resources: ({ host, platform }) => [deadSlotDropped(localServer(host, platform), name) as Resource],
    },
  ];
}
