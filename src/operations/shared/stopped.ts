import { patroniStopped, stoppedHandle, type PatroniStoppedState, type RoleContext, type View } from '../../index.js';
import { dataDirectoryOf, hostsWith, localServer } from '../../../roles/shared/layout.js';

/** What `pgprov stop` has chosen. */
export interface StopOptions {
  /** Chosen before the first step: the members that ran. */
  up?: readonly string[];
}

/**
 * A member that is to be down.
 * @param staysDown also after a boot of its host
 */
export function stopped({ host, platform }: RoleContext, staysDown: boolean): ReturnType<typeof patroniStopped> {
  const { unit } = platform.patroni;
  return patroniStopped({ unit, path: dataDirectoryOf(host, platform), server: localServer(host, platform), staysDown });
}

/** Asks a member after every step what of it runs; other hosts are not asked. */
export function memberRuns(context: RoleContext): ReturnType<typeof patroniStopped>[] {
  return hostsWith(context.inventory, 'patroni').some(({ name }) => name === context.host.name) ? [stopped(context, false)] : [];
}

/** What runs of a member; undefined where it was not asked. */
export function runningOf(view: View, host: string): PatroniStoppedState | undefined {
  return view.read(host, stoppedHandle(view.platform(host)?.patroni.unit ?? ''));
}
