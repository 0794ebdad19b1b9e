import { WATCHDOG, watchdogDevice, type Objection, type Observation, type RoleContext, type View } from '../../src/index.js';
import { variables } from './variables.js';

/** The device that a member needs before it may lead; nothing is asked where it can do without. */
export function requiredWatchdog({ host, platform }: RoleContext): Observation[] {
  const { watchdog, watchdog_device } = variables(host, 'patroni');
  return watchdog === 'required' ? [watchdogDevice(watchdog_device, platform.patroni.user)] : [];
}

/** A member that requires a watchdog and cannot have it never leads, and one that leads gives up its place at once. */
export function missingWatchdog(view: View): Objection[] {
  return view.hosts('patroni').flatMap((host): Objection[] => {
    const state = view.read(host.name, WATCHDOG);
    const { watchdog, watchdog_device: device } = variables(host, 'patroni');
    if (watchdog !== 'required' || state === undefined || state === 'usable') return [];
    const user = view.platform(host.name)?.patroni.user ?? '';
    const what = state === 'absent' ? `there is no ${device}` : `${user} may not write to ${device}`;
    return [
      {
        kind: 'preflight',
        host: host.name,
        message: `${host.name}: patroni.watchdog is required, but ${what}, so this member could never lead`,
        hint: 'load the driver (softdog where there is no hardware) and give the device to Patroni’s user by a udev rule, or set patroni.watchdog to automatic',
      },
    ];
  });
}
