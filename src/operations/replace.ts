import { defineOperation, unknownName, withAbsent, type OperationObjection, type OperationStart } from '../index.js';
import { comingBack } from './shared/leaving/fence.js';
import { leavingProblems } from './shared/leaving/guards.js';
import { LEAVING } from './shared/leaving/operation.js';
import type { LeavingOptions } from './shared/leaving/options.js';
import { isInPlace, nameOf } from './shared/leaving/seen.js';

export default defineOperation<LeavingOptions>({
  ...LEAVING,
  name: 'replace',
  description: 'put a new machine in the place of one that is lost for good: the old one is forgotten, the new one joins',
  options: {
    host: { type: 'string', value: 'host', description: 'the host whose machine is lost' },
    by: {
      type: 'string',
      value: 'host',
      description: 'the host that takes its place; default: one of the same name, with its new address in the inventory',
    },
    dead: { type: 'boolean', answers: true, description: 'that the former machine does not come back, which nobody else can know' },
  },
  inventory: (inventory, { host = '', by }) => (by === undefined || by === host ? inventory : withAbsent(inventory, host)),
  // It mends just that: of several that are lost, one is replaced after the other, and nobody beside one that the inventory does not know at all.
  bears: ({ inventory, options }, name) =>
    name === options.host || [...inventory.hosts, ...inventory.absent].some((host) => host.name === name),
  problems: (start) => [...newHost(start), ...leavingProblems(named(start))].slice(0, 1),
  observations: (context, start) => LEAVING.observations(context, named(start)),
  choose: (run) => LEAVING.choose(named(run)),
  guards: (run) => LEAVING.guards(named(run)),
  remaining: (run) => LEAVING.remaining(named(run)),
  nothing: (run) => LEAVING.nothing(named(run)),
  checks: (run) => LEAVING.checks(named(run)),
  leaves: (run) => LEAVING.leaves(named(run)),
  question: (run) => {
    const { inventory, options } = named(run);
    const who = isInPlace({ options }) ? 'the new machine of that name' : `${options.by}`;
    return `Take the former machine of ${nameOf({ options })} out of ${inventory.cluster} for good, and have ${who} join?`;
  },
  finished: (run) => {
    const now = named(run);
    const { options } = now;
    return `${options.by} is a member in the place of ${isInPlace({ options }) ? 'the former machine' : nameOf({ options })}; ${comingBack(now)}`;
  },
});

/** Without another name it is one of the same. */
function named<Given extends { options: LeavingOptions }>(given: Given): Given {
  const { host = '', by = host } = given.options;
  return { ...given, options: { ...given.options, by } };
}

/** Who takes the place is in the inventory. */
function newHost({ inventory, options: { host, by = host } }: OperationStart<LeavingOptions>): OperationObjection[] {
  const names = inventory.hosts.map(({ name }) => name);
  if (by === undefined || by === '' || names.includes(by)) return [];
  const { message, hint } = unknownName('host', by, names);
  return [
    {
      kind: 'input',
      error: 'aim/unknown-host',
      message,
      hint: hint ?? `give ${by} with the address of its new machine in the inventory first, or another host with --by`,
    },
  ];
}
