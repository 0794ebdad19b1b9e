import { DCS, type View } from '../../src/index.js';

/** Whether commits wait for a standby, by the `synchronous_mode` of Patroni's dynamic configuration. */
export function isSynchronous(view: View): boolean {
  const configs = view.hosts('patroni').map(({ name }) => {
    const store = view.read(name, DCS);
    return store?.reachable === true ? store.config : undefined;
  });
  const mode = configs.find((config) => config !== undefined)?.['synchronous_mode'];
  return mode === true || mode === 'on' || mode === 'quorum';
}

/** Whether Patroni lists a member as a synchronous standby. */
export function isSynchronousStandby({ role }: { role: string }): boolean {
  return role === 'sync_standby' || role === 'quorum_standby';
}
