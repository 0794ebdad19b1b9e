import { patroniStopped, stoppedHandle, type PatroniStoppedState, type RoleContext, type View } from '../../index.js';
import { dataDirectoryOf, hostsWith, localServer } from '../../../roles/shared/layout.js';

/** A member that is to be down. */
export function stopped({ host, platform }: RoleContext): ReturnType<typeof patroniStopped> {
  return patroniStopped({ unit: platform.patroni.unit, path: dataDirectoryOf(host, platform), server: localServer(host, platform) });
}

/** Asks a member after every step what of it runs; other hosts are not asked. */
export function memberRuns(context: RoleContext): ReturnType<typeof patroniStopped>[] {
  return hostsWith(context.inventory, 'patroni').some(({ name }) => name === context.host.name) ? [stopped(context)] : [];
}

/** What runs of a member; undefined where it was not asked. */
export function runningOf(view: View, host: string): PatroniStoppedState | undefined {
  return view.read(host, stoppedHandle(view.platform(host)?.patroni.unit ?? ''));
}
