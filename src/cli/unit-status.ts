import type { Host } from '../model/index.js';
import type { Platform } from '../platform/index.js';
import type { View } from '../plan/view.js';
import { serviceHandle, type ServiceState } from '../resources/service.js';

/** A service's unit on a host, by its name. */
export interface Unit {
  name: string;
  state: ServiceState;
}

/** The unit of a service on a host that was asked for it. */
export function unitOf(view: View | undefined, { name: host }: Host, nameOn: (platform: Platform) => string): Unit | undefined {
  const platform = view?.platform(host);
  const name = platform === undefined ? undefined : nameOn(platform);
  const state = name === undefined ? undefined : view?.read(host, serviceHandle(name));
  return name === undefined || state === undefined ? undefined : { name, state };
}

/**
 * Why a service does nothing, where systemd tells, as a clause with the command that starts it.
 * @param start what starts it where the order matters: without a leader, the first member to come up would lead, whatever it lacks
 * @param isHeldUp nothing may start it now
 */
export function notRunning(
  unit: Unit | undefined,
  { start, isHeldUp = false }: { start?: string; isHeldUp?: boolean } = {},
): string | undefined {
  if (unit === undefined) return undefined;
  const {
    name,
    state: { active, masked, loaded },
  } = unit;
  if (!loaded && masked === undefined) return undefined;
  if (active !== 'inactive' && active !== 'failed') return undefined;
  const how = `${masked === undefined ? '' : `masked and `}${active === 'failed' ? 'failed' : 'stopped'}`;
  if (isHeldUp) return `the unit ${name} is ${how}`;
  if (start !== undefined)
    return `the unit ${name} is ${how}; ${masked === undefined ? '' : `run \`systemctl unmask ${name}\` on the host, then `}${start} starts the member with the last commits first`;
  return `the unit ${name} is ${how}; run \`${masked === undefined ? '' : `systemctl unmask ${name} && `}systemctl start ${name}\` on the host`;
}
