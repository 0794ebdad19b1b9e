import {
  awaitedStreaming,
  copiedGate,
  memberSlots,
  slotNameOf,
  standbyCopied,
  standbyJoined,
  synchronousBegun,
  synchronousEnded,
  View,
  type Resource,
  type RoleContext,
  type Stage,
} from '../../../src/index.js';
import { passwordLines, replicationAccount } from '../accounts.js';
import { settingsInForceGate } from '../in-force.js';
import { dataDirectoryOf, localServer } from '../layout.js';
import { variables } from '../variables.js';
import { withoutPatroni } from '../without-patroni.js';
import { synchronousOptions } from './synchronous.js';
import { isJoining, isMade } from './seen.js';
import { otherServers, primaryConninfo, slotOf } from './servers.js';

/** Whether a host takes part, told by what is seen of all. */
type Takes = (view: View, host: string) => boolean;

/** The stages of those hosts alone of which that is so. */
export function takenBy({ host, inventory }: RoleContext, takes: Takes, stages: readonly Stage[]): Stage[] {
  return stages.map((stage) => ({ ...stage, takesPart: (states) => takes(new View(inventory, states), host.name) }));
}

/** The role, .pgpass and slots where there is a server, then new standbys: each is copied, configured, started, and waited for. */
export function streamingStages(context: RoleContext): Stage[] {
  const { host, platform } = context;
  const server = localServer(host, platform);
  const data = dataDirectoryOf(host, platform);
  const { version, name } = variables(host, 'postgresql');
  const { group, unit } = platform.postgresql(version);
  const parts = withoutPatroni(context);
  const synchronous = synchronousOptions(context);
  return [
    ...takenBy(context, isMade, [
      {
        // Rolling: a new password comes to all at once, and the slots are there before any standby is copied.
        name: 'accounts',
        title: 'set up replication accounts',
        crossing: 'rolling',
        resources: [synchronousEnded(synchronous) as Resource, ...replicationAccount(context), slotsOf(context)],
      },
    ]),
    ...takenBy(context, isJoining, [
      {
        name: 'copy',
        title: 'copy the primary',
        crossing: 'independent',
        resources: [
          passwordLines(context),
          standbyCopied({ path: data, server, group, conninfo: primaryConninfo(context), slot: slotOf(host) }),
        ],
        gates: [copiedGate(data, host.name === context.inventory.leader ? [] : [context.inventory.leader])],
      },
      { name: 'register', title: 'register the standby', crossing: 'independent', resources: parts.registration },
      { name: 'configure', title: 'configure the standby', crossing: 'independent', resources: parts.ofCopy },
      {
        name: 'start',
        title: 'start the standby',
        crossing: 'independent',
        resources: [parts.service],
        gates: [settingsInForceGate(context), awaitedStreaming({ server, data, unit: unit(name), host: host.name })],
      },
      { name: 'joined', title: 'note the standby', crossing: 'independent', resources: [standbyJoined(data) as Resource] },
    ]),
    ...takenBy(context, isMade, [
      {
        // Rolling: all new standbys have joined when it begins.
        name: 'synchronous',
        title: 'set synchronous standbys',
        crossing: 'rolling',
        resources: [synchronousBegun(synchronous) as Resource],
      },
    ]),
  ];
}

function slotsOf(context: RoleContext): Resource {
  const { host, platform } = context;
  const others = otherServers(context);
  return memberSlots({
    server: localServer(host, platform),
    ofPrimary: others.flatMap((other) => slotOf(other) ?? []),
    ofMembers: others.map((other) => slotNameOf(other.name)),
    data: dataDirectoryOf(host, platform),
  }) as Resource;
}
