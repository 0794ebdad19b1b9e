import type { Host } from '../model/index.js';
import { stateOf } from '../resources/handle.js';
import { LEFT_UNITS } from '../resources/left-units.js';
import { instancesOfOthers, RUNNING } from '../resources/running.js';
import type { States } from './plan.js';
import type { Objection } from './role.js';

/**
 * Objections to removing a role from a host on which its unit runs or starts at boot: the other hosts would refuse its connections. Units of
 * instances that another inventory has on the host are that one's.
 */
export function guardLeftUnits(
  { hosts, cluster }: { hosts: readonly Host[]; cluster: string },
  states: ReadonlyMap<string, States>,
): Objection[] {
  return hosts.flatMap(({ name, roles, provenance }) => {
    const from = provenance.get('roles');
    const place = from?.file === undefined ? '' : `, ${from.file}:${from.line}`;
    const others = instancesOfOthers(stateOf(states.get(name), RUNNING), cluster).map(({ unit }) => unit);
    const left = (stateOf(states.get(name), LEFT_UNITS) ?? []).filter(
      (found) => (found.cluster === undefined || found.cluster === cluster) && !others.includes(found.unit),
    );
    return left.map(
      ({ unit, active }): Objection => ({
        kind: 'refuse',
        about: 'roles',
        host: name,
        message:
          `${name}: pgprov set up ${unit} there, which ${active ? 'runs' : 'starts at the next boot'}, ` +
          `and none of the host’s roles (${roles.join(', ')}${place}) has it any more`,
        hint: `give ${name} the role back; to take ${unit} off the host for good, stop it first: \`systemctl disable --now ${unit}\` there`,
      }),
    );
  });
}
