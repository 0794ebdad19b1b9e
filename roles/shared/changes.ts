import {
  enumerate,
  groupBy,
  RUNNING,
  running,
  type Host,
  type Objection,
  type Observation,
  type RoleContext,
  type RunningState,
  type View,
} from '../../src/index.js';
import type { FixedVariable, Sight } from './fixed-variable.js';
import { FIXED_VARIABLES } from './fixed-variables.js';
import { dataDirectoryOf, localServer } from './layout.js';
import { placeOf } from './provenance.js';
import { variables } from './variables.js';

/** What runs on the host and what ran there last, for `guardChanges`. */
export function whatRuns({ host, platform }: RoleContext): Observation<RunningState> {
  const has = (role: string): boolean => host.roles.includes(role);
  return running({
    patroniFile: platform.patroni.configFile,
    encoding: has('postgresql') ? variables(host, 'postgresql').encoding : '',
    ...(has('postgresql') ? { server: localServer(host, platform), dataDirectory: dataDirectoryOf(host, platform) } : {}),
  });
}

interface Found {
  fixed: FixedVariable;
  view: View;
  host: Host;
  sight: Sight;
}

/**
 * Refuses values that a role's variables have in the inventory and that the cluster, which exists, was not made with. What counts
 * is what runs, or ran last; nothing is looked for in the place where the new value would put it.
 * @param only these of its variables; default: all
 */
export function guardChanges(view: View, role: string, only?: readonly string[]): Objection[] {
  return FIXED_VARIABLES.filter((fixed) => fixed.role === role && only?.includes(fixed.variable) !== false).flatMap((fixed) => {
    const found = view.hosts(role).flatMap((host): Found[] => {
      const state = view.read(host.name, RUNNING);
      const platform = view.platform(host.name);
      if (state === undefined || platform === undefined) return [];
      const sight = fixed.look({ view, host, platform, running: state });
      return sight === undefined ? [] : [{ fixed, view, host, sight }];
    });
    const different = found.filter(({ sight }) => sight.seen !== sight.wanted);
    // A change of all hosts that was interrupted after some of them is taken back by the value that the others run with.
    if (fixed.perHost !== true && different.length * 2 <= found.length) return [];
    return [...groupBy(different, ({ host, sight }) => `${placeOf(host, fixed.variable)} ${sight.wanted} ${sight.found}`).values()].map(
      objection,
    );
  });
}

/** What its service calls a member, or where the others find it: an operation goes by both. */
const WHO_IT_IS: readonly string[] = ['hosts', 'cluster_address'];

/**
 * Why no operation begins beside members of a role's service that it would not know, or would make others of on its way: those with another name or
 * address than the inventory has, or else those that the inventory does not have at all.
 */
export function unknownMembers(
  view: View,
  role: string,
  { bears, others }: { bears(name: string): boolean; others(view: View, bears: (name: string) => boolean): Objection[] },
): Objection[] {
  const moved = guardChanges(view, role, WHO_IT_IS).filter(({ host }) => host === undefined || !bears(host));
  return moved.length > 0 ? moved : others(view, bears);
}

function objection(found: readonly [Found, ...Found[]]): Objection {
  const [{ fixed, view, host, sight }] = found;
  const where = enumerate(found.map(({ host: { name } }) => name));
  const what =
    fixed.variable === 'hosts'
      ? `the inventory calls this host ${sight.wanted}`
      : `${fixed.variable} is ${sight.wanted}${placeOf(host, fixed.variable)}`;
  return {
    kind: 'refuse',
    ...(found.length === 1 ? { host: host.name } : {}),
    message: `${where}: ${what}, but ${sight.found}`,
    hint: fixed.hint(sight.seen, { view, host, wanted: sight.wanted }),
    decisive: true,
  };
}
