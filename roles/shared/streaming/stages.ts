import {
  awaitedStreaming,
  copiedGate,
  logPlaceOf,
  memberSlots,
  serverReleased,
  standbyCopied,
  standbyJoined,
  synchronousBegun,
  synchronousEnded,
  View,
  topologyOf,
  type MemberSlotsOptions,
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
import { isJoining, isMade, isStandby } from './seen.js';
import { unitServer } from './server-unit.js';
import { primaryConninfo, slotOf, slotsAt, upstreamOf } from './servers.js';

/** Whether a host takes part, told by what is seen of all. */
type Takes = (view: View, host: string) => boolean;

/** The stages of those hosts alone of which that is so. */
export function takenBy({ host, inventory }: RoleContext, takes: Takes, stages: readonly Stage[]): Stage[] {
  return stages.map((stage) => ({ ...stage, takesPart: (states) => takes(new View(inventory, states), host.name) }));
}

/** The role, .pgpass and slots where there is a server, then new standbys; those of standbys come when these stream. */
export function streamingStages(context: RoleContext): Stage[] {
  const { host, inventory } = context;
  const synchronous = synchronousOptions(context);
  const cascades = inventory.hosts.some((other) => topologyOf(other) === 'streaming' && upstreamOf(other) !== undefined);
  const isCascaded = upstreamOf(host) !== undefined;
  return [
    ...takenBy(context, isMade, [
      {
        // Rolling: a new password comes to all at once, and the slots are there before any standby is copied.
        name: 'accounts',
        title: 'set up replication accounts',
        crossing: 'rolling',
        resources: [synchronousEnded(synchronous) as Resource, ...replicationAccount(context), slotsOfPrimary(context)],
      },
    ]),
    ...(isCascaded ? [] : takenBy(context, isJoining, joining(context, ''))),
    ...(cascades
      ? takenBy(context, isStandby, [
          { name: 'cascade', title: 'make slots for standbys of standbys', crossing: 'rolling', resources: slotsOfStandby(context) },
        ])
      : []),
    ...(isCascaded ? takenBy(context, isJoining, joining(context, 'cascaded-')) : []),
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

/** What makes a standby: it is copied, configured, started, and waited for. */
function joining(context: RoleContext, prefix: string): Stage[] {
  const { host, platform, inventory } = context;
  const server = localServer(host, platform);
  const data = dataDirectoryOf(host, platform);
  const { version, name } = variables(host, 'postgresql');
  const { group, unit } = platform.postgresql(version);
  const parts = withoutPatroni(context);
  const from = upstreamOf(host) ?? inventory.leader;
  const stages: Stage[] = [
    {
      name: 'copy',
      title: 'copy the primary',
      crossing: 'independent',
      resources: [
        passwordLines(context),
        standbyCopied({ path: data, server, group, conninfo: primaryConninfo(context), slot: slotOf(host) }),
      ],
      gates: [copiedGate(data, host.name === from ? [] : [from])],
    },
    { name: 'register', title: 'register the standby', crossing: 'independent', resources: parts.registration },
    { name: 'configure', title: 'configure the standby', crossing: 'independent', resources: parts.ofCopy },
    {
      name: 'start',
      title: 'start the standby',
      crossing: 'independent',
      resources: [parts.service, serverReleased(unitServer(context)) as Resource],
      gates: [
        settingsInForceGate(context),
        awaitedStreaming({ server, data, unit: unit(name), log: logPlaceOf(context), host: host.name }),
      ],
    },
    { name: 'joined', title: 'note the standby', crossing: 'independent', resources: [standbyJoined(data) as Resource] },
  ];
  return stages.map((stage) => ({ ...stage, name: `${prefix}${stage.name}` }));
}

/** The slots of the standbys, on whoever is the primary. */
export function slotsOfPrimary(context: RoleContext): Resource {
  const { ofPrimary, ofStandby, ofMembers } = slotsAt(context);
  return slots(context, { id: 'member-slots', on: 'primary', names: ofPrimary, kept: ofStandby, ofMembers });
}

/** Slots of a standby for those that stream from it, which it gets when it streams itself. */
export function slotsOfStandby(context: RoleContext): Resource[] {
  const { ofStandby: names } = slotsAt(context);
  return names.length === 0 ? [] : [slots(context, { id: 'cascade-slots', on: 'standby', names, kept: [], ofMembers: [] })];
}

function slots({ host, platform }: RoleContext, which: Omit<MemberSlotsOptions, 'server' | 'data'>): Resource {
  return memberSlots({ ...which, server: localServer(host, platform), data: dataDirectoryOf(host, platform) }) as Resource;
}
