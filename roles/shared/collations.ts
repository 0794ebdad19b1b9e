import type { Objection, View } from '../../src/index.js';
import { variables } from './variables.js';

/** Locales that sort by code point, and so alike everywhere. */
const EVERYWHERE_ALIKE = /^(?:C|POSIX|C\.UTF-?8)$/iu;

/**
 * A standby takes its primary's indexes byte for byte. Where its C library sorts text in another order they are
 * corrupt for it, and after a failover for everybody.
 */
export function mixedCollations(view: View): Objection[] {
  const hosts = view.hosts('patroni').map((host) => ({ host, platform: view.platform(host.name) }));
  const other = hosts.find(({ platform }) => platform?.id !== hosts[0]?.platform?.id);
  const sorting = hosts.map(({ host }) => variables(host, 'postgresql').locale).find((locale) => !EVERYWHERE_ALIKE.test(locale));
  if (hosts[0] === undefined || other === undefined || sorting === undefined) return [];
  const name = (entry: typeof other): string => `${entry.host.name} runs ${entry.platform?.title ?? 'another system'}`;
  return [
    {
      kind: 'preflight',
      message: `${name(hosts[0])} and ${name(other)}: their C libraries may sort the locale ${sorting} in different orders, which corrupts indexes after a failover`,
      hint: 'set postgresql.locale to C.UTF-8, or give all members the same system',
    },
  ];
}
