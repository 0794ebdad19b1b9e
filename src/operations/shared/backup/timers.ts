import { BACKUP_TIMERS, enumerate, timersHeld, timersRun, type OperationRun, type HostStep } from '../../../index.js';

type Run = Pick<OperationRun<object>, 'view' | 'inventory'>;

/** Hosts on which backups may begin. */
export function scheduling({ view, inventory }: Run): string[] {
  return inventory.hosts.flatMap(({ name }) => {
    const { active = [], isOpen = false } = view.read(name, BACKUP_TIMERS) ?? {};
    return active.length > 0 || isOpen ? [name] : [];
  });
}

/** Hosts on which they are held. */
export function holding({ view, inventory }: Run): string[] {
  return inventory.hosts.flatMap(({ name }) => {
    const { held = [], isHeld = false } = view.read(name, BACKUP_TIMERS) ?? {};
    return held.length > 0 || isHeld ? [name] : [];
  });
}

/**
 * No backup begins, by its schedule or by hand.
 * @param why as a clause
 */
export function holdStep(run: Run, why = 'one that begins expires what a restore needs'): HostStep[] {
  const hosts = scheduling(run);
  if (hosts.length === 0) return [];
  return [
    {
      id: 'hold',
      title: `hold the backups on ${enumerate(hosts)}: ${why}`,
      on: hosts,
      resources: () => [timersHeld()],
    },
  ];
}

/**
 * Backups may begin again.
 * @param catchUp whether one begins at once that would have begun meanwhile
 */
export function scheduleStep(hosts: readonly string[], catchUp = true): HostStep[] {
  if (hosts.length === 0) return [];
  return [
    {
      id: 'schedule',
      title: `have backups begin again on ${enumerate(hosts)}`,
      on: hosts,
      resources: () => [timersRun(catchUp)],
    },
  ];
}
