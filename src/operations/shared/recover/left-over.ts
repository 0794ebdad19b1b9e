import { enumerate, pgprov, type LeftOver } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { leftMembers } from './members.js';
import { givenUp, type RecoverRun } from './seen.js';

/** What is not as it should be once a member leads and all that can stream do; hosts that are off and were given up are left out. */
export function leftOver(run: RecoverRun): LeftOver[] {
  const { view, inventory } = run;
  const given = givenUp(run);
  const hosts = new Set([...hostsWith(inventory, 'patroni'), ...hostsWith(inventory, dcsOf(inventory).role)].map(({ name }) => name));
  const away = [...hosts].filter((name) => !view.surveyed(name) && !given.includes(name));
  return [
    ...away.map(
      (name): LeftOver => ({
        kind: 'unreachable',
        host: name,
        message: `${name} could not be reached, so it is as it was`,
        hint: `switch it on and run ${pgprov`recover ${inventory}`} again, which brings it back where it does not come up by itself`,
      }),
    ),
    ...leftMembers(run).map(
      ({ host, why }): LeftOver => ({
        kind: 'preflight',
        error: 'recover/to-be-rebuilt',
        host,
        message: `${host} is left as it is: it ${why}`,
        hint: `${pgprov`rebuild ${inventory} --host ${host}`} copies the leader’s data to it`,
      }),
    ),
    ...lateStore(run),
  ];
}

/** Members of the store that do not work beside a quorum of the others, which is all that Patroni needs; one with its data may be coming up. */
function lateStore(run: RecoverRun): LeftOver[] {
  const { view, inventory } = run;
  const { role, name, isHealthy, hasData, spoilt } = dcsOf(inventory);
  const late = view
    .hosts(role)
    .map((host) => host.name)
    .filter((host) => isHealthy(view, host) === false);
  if (late.length === 0) return [];
  const mayCome = late.every((host) => hasData(view, host) === true && spoilt(view, host) === undefined);
  return [
    {
      kind: 'preflight',
      error: 'recover/store-member',
      message: `${name} on ${enumerate(late)} does not work`,
      hint: `${pgprov`doctor ${inventory}`} says why`,
      ...(mayCome ? { settles: true } : {}),
    },
  ];
}
