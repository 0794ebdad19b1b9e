import {
  enumerate,
  formatBytes,
  PENDING_VALUES,
  pgprov,
  SERVER_SETTINGS,
  STANDBY_COPY,
  STANDBY_LIMITS,
  TABLESPACES,
  type OperationObjection,
  type Tablespaces,
} from '../../../index.js';
import { guardParts, guardStreaming } from '../../../../roles/shared/streaming/guards.js';
import { partedFrom } from '../../../../roles/shared/streaming/parted.js';
import { seenServers, type SeenServer } from '../../../../roles/shared/streaming/seen.js';
import { copyOn, dataPath, isFromBackup, isOld, type RebuildRun } from '../rebuild/seen.js';
import { sourceObjections } from '../rebuild/source.js';
import { isBeingMade, notStreamingWhy, serverNames, serverOn } from './seen.js';
import { commitsWait } from './waiting-commits.js';

/** What more than a copy has to fit: the WAL that is written while it is made. */
const MARGIN = { share: 0.05, least: 67_108_864 };

/** The primary that a server is built from: whoever else takes writes; undefined: nobody does, or several do. */
export function sourceOf({ view, options: { member } }: RebuildRun): SeenServer | undefined {
  const [first, second] = seenServers(view).filter(({ name, says }) => name !== member && says?.standby === false);
  return second === undefined ? first : undefined;
}

/** Why a server must not be built anew now. */
export function rebuildObjections(run: RebuildRun): OperationObjection[] {
  const { view, inventory, options } = run;
  const { member: host = '' } = options;
  const refuse = (message: string, hint: string): OperationObjection[] => [
    { kind: 'refuse', message, hint: `nothing was changed; ${hint}` },
  ];
  if (view.platform(host) === undefined)
    return refuse(`${host} does not answer, so its data cannot be seen to`, 'run this again when it does');
  const source = sourceOf(run);
  if (source === undefined) {
    const several = seenServers(view).filter(({ name, says }) => name !== host && says?.standby === false);
    if (several.length > 0) return guardStreaming(view);
    const away = serverNames({ inventory }).filter((name) => !view.surveyed(name));
    const isPrimary = serverOn(view, host)?.says?.standby === false;
    // One that is lost on the way may be the primary that the others follow.
    if (isPrimary && away.length > 0)
      return refuse(
        `${host} takes writes, and whether ${enumerate(away)} ${away.length === 1 ? 'does' : 'do'} cannot be asked: there is no server that ${host} could be built from`,
        'run this again when all hosts answer',
      );
    if (isPrimary)
      return refuse(
        `${host} is the primary, and its data is what the others are built from`,
        `if it is to be rebuilt, hand over first: ${pgprov`switchover ${inventory}`}`,
      );
    return [
      {
        kind: 'refuse',
        message: `no other server takes writes, so there is nothing that ${host} could be built from, and its data may be the last`,
        hint: `nothing was changed; see ${pgprov`status ${inventory}`}`,
        settles: true,
      },
    ];
  }
  const changes = otherChanges(run);
  if (changes.length > 0) return changes;
  if (!isOld(run)) return isToBeCopied(run) ? room(run, source) : [];
  const backups = isFromBackup(run) ? sourceObjections(run, source.name) : [];
  return [
    ...others(run),
    ...differing(run),
    ...parted(run, source),
    ...onlyStandby(run, source),
    ...synchronous(run),
    ...limits(run, source),
    ...backups,
    ...room(run, source),
  ].slice(0, 1);
}

/** Its data is aside, and nothing has come in its place or is on its way. */
function isToBeCopied({ view, options: { member: host = '' } }: RebuildRun): boolean {
  const copy = view.read(host, STANDBY_COPY);
  return copy?.copied === false && !copy.copying;
}

/** What would keep the servers from being brought into order once its data is aside: another one that is in no better state. */
function others({ view, options: { member: host = '' } }: RebuildRun): OperationObjection[] {
  // A second primary hides the rest, and goes first.
  if (serverOn(view, host)?.says?.standby === false) return [];
  return guardParts(view).filter((found) => found.host !== undefined && found.host !== host);
}

/** What the plan of the standby would stumble over once its data is aside: settings of the others that an apply is still to bring. */
function differing({ view, inventory, options: { member: host = '' } }: RebuildRun): OperationObjection[] {
  // Beside a second primary no apply brings anything.
  if (serverOn(view, host)?.says?.standby === false) return [];
  const left = serverNames({ inventory }).flatMap((name) => {
    const seen = view.read(name, SERVER_SETTINGS);
    if (name === host || isBeingMade(view, name) || seen?.answers !== true) return [];
    const byHand = new Set(seen.altered.map((own) => own.name.toLowerCase()));
    const settings = seen.settings.filter((setting) => !setting.taken && !setting.told && !byHand.has(setting.name.toLowerCase()));
    return settings.length === 0 ? [] : [{ name, settings: enumerate(settings.map((setting) => setting.name)) }];
  });
  if (left.length === 0) return [];
  const names = left.map(({ name }) => name).join(',');
  return [
    {
      kind: 'preflight',
      error: 'rebuild/other-changes',
      message: `the other servers differ from the inventory (${left.map(({ name, settings }) => `${name}: ${settings}`).join('; ')})`,
      hint: `nothing was changed; ${pgprov`apply ${inventory} --host ${names}`} first, which brings them that`,
    },
  ];
}

/** Commits that nobody else has are not given up unasked. */
function parted({ view, options: { member: host = '', giveUpCommits } }: RebuildRun, source: SeenServer): OperationObjection[] {
  const own = serverOn(view, host)?.data.systemIdentifier;
  // Another database is kept beside.
  if (own !== undefined && own !== source.data.systemIdentifier) return [];
  const found = partedFrom(view, source, host);
  if (found.kind === 'nothing' || giveUpCommits === true) return [];
  const message =
    found.kind === 'more'
      ? `${host} may have the only copy of some commits: ${found.why}`
      : `it cannot be told ${found.why}, so ${host} may have commits that ${source.name} has not`;
  return [
    {
      kind: 'refuse',
      message,
      hint: `nothing was changed; find out which of the two is to go on. With --give-up-commits ${host} is rebuilt, and its data kept beside: there they can be read later, by a server of its own`,
      settles: true,
    },
  ];
}

/** While the only standby is made anew the primary alone has the data; one that does not stream protects nothing. */
function onlyStandby({ view, inventory, options }: RebuildRun, source: SeenServer): OperationObjection[] {
  const { member: host = '', withoutStandby } = options;
  const streams = (name: string): boolean => notStreamingWhy(view, name) === undefined;
  const others = serverNames({ inventory }).filter((name) => name !== host && name !== source.name && streams(name));
  if (withoutStandby === true || !streams(host) || others.length > 0) return [];
  return [
    {
      kind: 'refuse',
      message: `${host} is the only standby that streams: until it is rebuilt, ${source.name} alone has the data`,
      hint: 'nothing was changed; bring another standby back first, or say with --without-standby that it may be so',
    },
  ];
}

function synchronous(run: RebuildRun): OperationObjection[] {
  const { member: host = '' } = run.options;
  if (commitsWait(run, []) || !commitsWait(run, [host])) return [];
  return [
    {
      kind: 'refuse',
      message: `commits of the primary wait for ${host} as a synchronous standby, and no commit would end until it is rebuilt`,
      hint: 'nothing was changed; bring another standby back first, or take it out of replication.synchronous meanwhile',
    },
  ];
}

/** A standby does not start with less of a limit than its primary runs with, and would get what the primary takes up with its next start. */
function limits({ view, inventory, options }: RebuildRun, source: SeenServer): OperationObjection[] {
  const { member: host = '' } = options;
  const lowered = (view.read(source.name, PENDING_VALUES) ?? []).filter(
    ({ name, from, to }) => Object.hasOwn(STANDBY_LIMITS, name) && Number(to) < Number(from),
  );
  if (lowered.length === 0) return [];
  const [running, next] = [lowered.map(({ name, from }) => `${name} ${from}`), lowered.map(({ to }) => to)];
  return [
    {
      kind: 'refuse',
      message: `${source.name} still runs with ${enumerate(running)}, and ${host} would begin with ${enumerate(next)}: a standby must have no less than its primary`,
      hint: `nothing was changed; ${pgprov`restart ${inventory} --pending --host ${source.name}`} has ${source.name} take up the lower value. Where that is refused, give the higher one in the inventory until ${host} streams`,
    },
  ];
}

/** That all of its directories can be put aside, and that each disk has room for a new copy beside what is there. */
function room(run: RebuildRun, source: SeenServer): OperationObjection[] {
  const { view, options } = run;
  const { member: host = '', rewinds, hasSame, size = 0 } = options;
  const own = copyOn(view, host);
  const path = dataPath(run);
  const [spaces, copied] = [tablespacesOn(view, host), tablespacesOn(view, source.name)];
  const old = isOld(run);
  const refuse = (message: string, hint: string): OperationObjection[] => [
    { kind: 'refuse', message, hint: old ? `nothing was changed; ${hint}` : `${hint}, and run this again` },
  ];
  const fixed = [
    ...(own.fixed === undefined ? [] : [`${path} ${own.fixed}`]),
    ...spaces.all.flatMap((space) =>
      space.fixed === undefined ? [] : [`the directory of a tablespace, ${space.location}, ${space.fixed}`],
    ),
  ];
  if (fixed.length > 0)
    return refuse(`${fixed.join(', and ')}, so the data on ${host} cannot be put aside`, 'docs/streaming.md has the steps by hand');
  const spread = [host, source.name].filter((name) => tablespacesOn(view, name).all.length > 0);
  if (isFromBackup(run) && spread.length > 0)
    return refuse(
      `the server on ${enumerate(spread)} has tablespaces, which are not restored beside those that are there`,
      `leave out --from, and ${source.name} is copied with them`,
    );
  const isOverCopy = rewinds === true || hasSame === true;
  const most = (theirs: number, ours: number): number => Math.max(theirs, isOverCopy ? ours : 0);
  const comes = isFromBackup(run) ? size : copyOn(view, source.name).bytes;
  const parts = [
    { place: path, disk: { ...spaces.disk, free: own.free }, bytes: most(comes, own.bytes) },
    // One that it does not have yet is made where its directory is; pg_basebackup says what it lacks.
    ...spaces.all.map(({ location, disk, bytes }) => ({
      place: location,
      disk,
      bytes: most(copied.all.find((theirs) => theirs.location === location)?.bytes ?? 0, bytes),
    })),
  ];
  for (const { place, disk } of parts) {
    const bytes = parts.filter((part) => part.disk.device === disk.device).reduce((sum, part) => sum + part.bytes, 0);
    const needed = Math.ceil(bytes + Math.max(bytes * MARGIN.share, MARGIN.least));
    if (disk.free >= needed) continue;
    return refuse(
      `there is no room on ${host} for ${old ? 'its data and a new copy' : 'the copy, beside the data that was put aside'}: ${formatBytes(needed)} is needed, and ${formatBytes(disk.free)} is free beside ${place}`,
      'make room there',
    );
  }
  return [];
}

const NO_TABLESPACES: Tablespaces = { disk: { device: '', free: 0 }, all: [] };

/** The tablespaces of a host's server; none where it was not asked. */
export function tablespacesOn(view: RebuildRun['view'], host: string): Tablespaces {
  return view.read(host, TABLESPACES) ?? NO_TABLESPACES;
}

/** What else the inventory asks for is not this command's to bring, but for slots, and standbys that are being made as well. */
function otherChanges({ planned = [], view, inventory, options: { member } }: RebuildRun): OperationObjection[] {
  const more = planned.filter(
    ({ host, resource }) => host !== member && !isBeingMade(view, host) && !/^(?:member|cascade)-slots$/u.test(resource),
  );
  if (more.length === 0) return [];
  const shown = enumerate(more.slice(0, 3).map(({ host, summary }) => `${host}: ${summary}`));
  return [
    {
      kind: 'preflight',
      error: 'rebuild/other-changes',
      message: `the other servers differ from the inventory (${shown}${more.length > 3 ? ', and more' : ''})`,
      hint: `${pgprov`rebuild ${inventory} --give-up`}, and then ${pgprov`apply ${inventory}`}, which makes these changes and the standby as well`,
    },
  ];
}
