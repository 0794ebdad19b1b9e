import { patronictlOn, type View } from '../../src/index.js';

/** How a message calls patronictl on a host: with Patroni's file there, which patronictl does not find by itself. */
export function patronictl(view: View, host: string): string {
  const platform = view.platform(host);
  return platform === undefined ? 'patronictl' : patronictlOn(platform);
}

/** The same for a command that any member may be given; default: the first of them that was seen. */
export function patronictlOnMember(view: View): string {
  return patronictl(view, view.hosts('patroni').find(({ name }) => view.platform(name) !== undefined)?.name ?? '');
}
