import { BACKUP_TIMERS, enumerate, timersHeld, timersRun, type OperationRun, type OperationStep } from '../../../index.js';

type Run = Pick<OperationRun<object>, 'view' | 'inventory'>;

/** Hosts on which scheduled backups may begin. */
export function scheduling({ view, inventory }: Run): string[] {
  return inventory.hosts.flatMap(({ name }) => ((view.read(name, BACKUP_TIMERS)?.active.length ?? 0) > 0 ? [name] : []));
}

/** Hosts on which they are held. */
export function holding({ view, inventory }: Run): string[] {
  return inventory.hosts.flatMap(({ name }) => ((view.read(name, BACKUP_TIMERS)?.held.length ?? 0) > 0 ? [name] : []));
}

/** No backup begins by its schedule, because at its end others expire. */
export function holdStep(run: Run): OperationStep[] {
  const hosts = scheduling(run);
  if (hosts.length === 0) return [];
  return [
    {
      id: 'hold',
      title: `hold the scheduled backups on ${enumerate(hosts)}, which expire what a restore needs`,
      on: hosts,
      resources: () => [timersHeld()],
    },
  ];
}

/**
 * Scheduled backups begin again.
 * @param catchUp whether one begins at once that would have begun meanwhile
 */
export function scheduleStep(hosts: readonly string[], catchUp = true): OperationStep[] {
  if (hosts.length === 0) return [];
  return [
    {
      id: 'schedule',
      title: `have scheduled backups begin again on ${enumerate(hosts)}`,
      on: hosts,
      resources: () => [timersRun(catchUp)],
    },
  ];
}
