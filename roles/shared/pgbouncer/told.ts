import {
  enumerate,
  POOLER,
  POOLER_CERTIFICATE,
  POOLER_LOGIN,
  type CheckResult,
  type Host,
  type PoolerState,
  type StatusLine,
  type View,
} from '../../../src/index.js';
import { givenCheck } from '../given-tls.js';
import { presentsCheck } from '../server-tls.js';
import type { PoolerSettings } from './config-file.js';

/** What PgBouncer says of its pools on a host, in a line; undefined where it was not asked. */
function poolsLine(seen: PoolerState): StatusLine {
  if (!seen.answers) return { level: 'problem', text: 'PgBouncer does not answer' };
  const sum = (of: 'active' | 'waiting' | 'servers'): number => seen.pools.reduce((all, pool) => all + pool[of], 0);
  const used = seen.pools.filter(({ active, waiting, servers }) => active + waiting + servers > 0).length;
  const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
  const figures = `${counted(used, 'pool')} in use, ${counted(sum('active'), 'client')} and ${sum('waiting')} waiting, ${counted(sum('servers'), 'connection')} to PostgreSQL`;
  if (seen.paused === undefined) return { level: sum('waiting') > 0 ? 'warning' : 'ok', text: figures };
  const which = seen.paused === 'all' ? 'its pools are paused' : `its pools of ${enumerate(seen.paused)} are paused`;
  return { level: 'problem', text: `${which}, so clients wait: ${figures}` };
}

/** Where a login through it leads, by the names of hosts; undefined where none was tried. */
function loginLine(view: View, host: Host): StatusLine | undefined {
  const [login, seen] = [view.read(host.name, POOLER_LOGIN), view.read(host.name, POOLER)];
  if (login === undefined || seen?.answers !== true || seen.paused !== undefined) return undefined;
  const { address, standby, error } = login;
  if (address === undefined) return { level: 'problem', text: `a login through it fails: ${error ?? 'nothing was said'}` };
  const name = view.inventory.hosts.find(({ clusterAddress }) => clusterAddress === address)?.name ?? address;
  return standby === true ? { level: 'problem', text: `leads to ${name}, a standby` } : { level: 'ok', text: `leads to ${name}` };
}

/** Whether it presents the certificate that it was brought; undefined where it has none, or was not asked. */
function certificateCheck(view: View, host: Host): CheckResult | undefined {
  const seen = view.read(host.name, POOLER_CERTIFICATE);
  return seen === undefined ? undefined : presentsCheck('PgBouncer', host, seen);
}

/** What `pgprov status` says of a host's PgBouncer. */
export function poolerLines(view: View, host: Host): StatusLine[] {
  const seen = view.read(host.name, POOLER);
  if (seen === undefined) return [];
  const [login, certificate] = [loginLine(view, host), certificateCheck(view, host)];
  return [
    ...(login === undefined ? [] : [login]),
    poolsLine(seen),
    ...(!seen.answers || certificate === undefined || certificate.ok
      ? []
      : [{ level: 'problem' as const, text: `it does not present its certificate: ${certificate.detail}` }]),
  ];
}

/** That it serves, leads to the leader, and runs with these settings. */
export function poolerChecks(view: View, host: Host, wanted: PoolerSettings): CheckResult[] {
  const seen = view.read(host.name, POOLER);
  if (seen === undefined) return [];
  const [pools, login, certificate] = [poolsLine(seen), loginLine(view, host), certificateCheck(view, host)];
  const others = wanted.filter(([name, value]) => !isSame(value, seen.settings.get(name)));
  return [
    { title: 'PgBouncer serves', ok: pools.level !== 'problem', detail: pools.text, host: host.name, settles: true },
    ...(login === undefined
      ? []
      : [
          {
            title: 'PgBouncer leads to the leader',
            ok: login.level !== 'problem',
            detail: login.text,
            host: host.name,
            settles: true as const,
          },
        ]),
    ...(certificate === undefined ? [] : [certificate, ...givenCheck(host, 'pgbouncer')]),
    ...(seen.answers
      ? [
          {
            title: 'PgBouncer runs with its settings',
            ok: others.length === 0,
            detail:
              others.length === 0
                ? `${wanted.length} settings, as its console shows them`
                : others.map(([name, value]) => `${name} is ${seen.settings.get(name) ?? 'unknown'}, not ${value}`).join('; '),
            host: host.name,
            settles: true as const,
          },
        ]
      : []),
  ];
}

/** Its console shows modes of files as decimal numbers (seen with 1.24). */
function isSame(wanted: string, shown: string | undefined): boolean {
  return shown === wanted || (/^0[0-7]+$/u.test(wanted) && shown === String(Number.parseInt(wanted, 8)));
}
