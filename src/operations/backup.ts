import {
  defineOperation,
  enumerate,
  formatBytes,
  pgprov,
  unknownName,
  type Backup,
  type CheckResult,
  type Inventory,
  type OperationObjection,
  type OperationStart,
  type OperationStep,
  type Resource,
} from '../index.js';
import { stanzaOf } from '../../roles/shared/backup/stanza.js';
import { pgbackrestUser } from '../../roles/shared/backup/pgbackrest.js';
import { backupHosts } from '../../roles/shared/backup/repositories.js';
import { BACKUP_TYPES, backupUnit, type BackupType } from '../../roles/shared/backup/schedule.js';
import { backupAdvice, briefly } from '../../roles/shared/backup/trouble.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { backupObservations, noBackups } from './shared/backup/asked.js';
import {
  endedUnseen,
  followedRun,
  infoOn,
  isAtWork,
  isDone,
  isStuck,
  lastEnd,
  lastFull,
  newBackup,
  placesOf,
  runOn,
  takeThemselves,
  typeOn,
  USUAL,
  type BackupOperation as Run,
  type BackupOptions,
  type Place,
} from './shared/backup/places.js';
import { backupObjections } from './shared/backup/guards.js';
import { hasPatroni } from './shared/servers.js';
import { backupGate, backupSeen, startBackup, type BackupUnit } from './shared/backup/unit.js';

export default defineOperation<BackupOptions>({
  name: 'backup',
  description: 'take a backup now, follow it to its end, and prove that it is in the repository',
  options: {
    type: {
      type: 'string',
      enum: BACKUP_TYPES,
      default: USUAL,
      description: 'everything, what has changed since the last full one, or since the last one of any type',
    },
  },
  roles: ({ inventory }) => askedRoles(inventory),
  choosesHosts: true,
  requiresConverged: false,
  // A backup changes no member, and is wanted most where something is odd.
  bears: true,
  unreachable: 'go-on',
  streaming: true,
  keptInStore: true,
  observations: backupObservations,
  problems: (start) => whichHosts(start),
  choose: (run) => {
    const type = run.options.type ?? USUAL;
    const { view } = run;
    const followed = placesOf(run).map((place) => [place.host, followedRun(view, place, type) ?? endedUnseen(view, place, type)] as const);
    const since = followed.map(([host, follows]) => [host, follows?.since ?? infoOn(view, host)?.now ?? 0] as const);
    const after = followed.map(([host, follows]) => [host, follows?.after ?? lastEnd(view, host)] as const);
    const follows = followed.flatMap(([host, one]) => (one === undefined ? [] : [[host, one.type] as const]));
    return { type, since: Object.fromEntries(since), after: Object.fromEntries(after), follows: Object.fromEntries(follows) };
  },
  guards: (run) => backupObjections(run),
  remaining: (run) => ({ steps: placesOf(run).flatMap((place) => taking(run, place)) }),
  question: (run) =>
    placesOf(run).every((place) => isDone(run, place))
      ? `Prove the backup of ${run.inventory.cluster} that a command began and did not see the end of, and take none?`
      : `Take ${run.options.type === 'incr' ? 'an' : 'a'} ${run.options.type} backup of ${run.inventory.cluster}?`,
  nothing: outcome,
  checks: (run) => placesOf(run).flatMap((place) => proofs(run, place)),
  finished: outcome,
  broken: async (run) => left(run),
});

/** Those of the hosts that backups are taken on, and where the servers take them themselves those that tell who takes writes. */
function askedRoles(inventory: Inventory): string[] {
  const hosts = backupHosts(inventory);
  return [
    'backup-repository',
    ...(hosts.every(({ roles }) => roles.includes('backup-repository')) ? [] : ['backup']),
    ...(takeThemselves(inventory) ? (hasPatroni(inventory) ? ['patroni', dcsOf(inventory).role] : ['postgresql']) : []),
  ];
}

function whichHosts({ inventory, chosenHosts }: OperationStart<BackupOptions>): OperationObjection[] {
  const none = noBackups(inventory);
  if (none.length > 0) return none;
  const names = backupHosts(inventory).map(({ name }) => name);
  const other = chosenHosts?.find((name) => !names.includes(name));
  if (other === undefined) return [];
  const isKnown = inventory.hosts.some(({ name }) => name === other);
  const message = isKnown ? `no backups are taken on ${other}` : unknownName('host', other, names).message;
  return [{ kind: 'input', error: 'backup/host', message, hint: `backups are taken on ${enumerate(names)}` }];
}

function taking(run: Run, place: Place): OperationStep[] {
  const { view, inventory, options, done } = run;
  const { host } = place;
  const id = placesOf(run).length === 1 ? 'take' : `take-${host}`;
  const follows = options.follows?.[host];
  const type = typeOn(run, host);
  // Also where it failed: who gives the command again is to get another one, and not what a timer has taken since.
  if (isDone(run, place) || done.has(id)) return seenStep(run, place, type);
  const names = enumerate(place.repositories.map(({ name }) => name));
  const unit: BackupUnit = {
    unit: backupUnit(type),
    type,
    info: { stanza: stanzaOf(inventory), server: pgbackrestUser(run.contextOf(host)) },
    since: options.since?.[host] ?? 0,
    after: options.after?.[host] ?? 0,
    isNoted: true,
  };
  const other = BACKUP_TYPES.find((one) => one !== type && isAtWork(view, host, one));
  const after = other === undefined ? '' : `, after the ${other} one that runs there`;
  return [
    follows === undefined
      ? {
          id,
          title: `take ${type === 'incr' ? 'an' : 'a'} ${type} backup of ${inventory.cluster} (${place.repositories.length === 1 ? 'repository' : 'repositories'} ${names})${after}`,
          effect: effectOf(run, place, type),
          on: [host],
          resources: () => [startBackup(unit, isStuck(view, host, type))],
          gates: () => [backupGate(unit)],
        }
      : { id, title: `follow the ${type} backup that runs there`, on: [host], gates: () => [backupGate(unit)] },
  ];
}

/** What a command began and has seen the end of is no other command's. */
function seenStep({ view, done }: Run, { host }: Place, type: BackupType): OperationStep[] {
  const id = `seen-${host}`;
  if (done.has(id) || runOn(view, host, type)?.asked === undefined) return [];
  const title = `note on ${host} that the end of the ${type} backup was seen, which a command began`;
  return [{ id, title, on: [host], resources: () => [backupSeen(backupUnit(type)) as Resource] }];
}

/** What one notices of it, and that it may become a full one. */
function effectOf({ view, inventory }: Run, place: Place, type: BackupType): string {
  const without = place.repositories.filter((repository) => lastFull(view, place, repository) === undefined).map(({ name }) => name);
  const becomes = type === 'full' || without.length === 0 ? [] : [`${enumerate(without)} has no full one yet, so it becomes one there`];
  const size = infoOn(view, place.host)?.backups.at(-1)?.size;
  const read =
    size === undefined
      ? `the data of ${inventory.cluster} is read`
      : `the data of ${inventory.cluster}, about ${formatBytes(size)}, is read`;
  return [...becomes, `${type === 'full' ? read : 'what has changed is read'}; then backups expire that are beyond the retention`].join(
    '; ',
  );
}

/** Where the new backups are, and how large they are. */
function outcome(run: Run): string {
  const all = placesOf(run).flatMap((place) =>
    place.repositories.flatMap((repository) => {
      const backup = newBackup(run, place, repository);
      return backup === undefined ? [] : [`${repository.name} has the ${backup.type} backup ${backup.label}: ${sizeOf(backup)}`];
    }),
  );
  return all.length === 0 ? 'no backup was taken' : all.join('\n');
}

function sizeOf({ size, delta, stored }: Backup): string {
  const copied = delta === size ? `${formatBytes(size)}` : `${formatBytes(delta)} of ${formatBytes(size)}`;
  return `${copied} copied, ${formatBytes(stored)} there`;
}

function proofs(run: Run, place: Place): CheckResult[] {
  const { inventory } = run;
  const { host } = place;
  const type = typeOn(run, host);
  return place.repositories.flatMap((repository): CheckResult[] => {
    const backup = newBackup(run, place, repository);
    if (backup === undefined) {
      const why = whyNone(run, host, type);
      return [
        { host, title: `a new backup is in ${repository.name}`, ok: false, detail: briefly(why), mend: backupAdvice(why, inventory) },
      ];
    }
    return [
      { host, title: `a new backup is in ${repository.name}`, ok: true, detail: backup.label },
      {
        host,
        title: 'all page checksums in it match',
        ok: !backup.error,
        ...(backup.error ? damaged(backup, inventory) : { detail: backup.label }),
      },
    ];
  });
}

function damaged({ label }: Backup, inventory: Inventory): Pick<CheckResult, 'detail' | 'mend'> {
  return {
    detail: `${label} has pages whose checksums do not match, as the data on the host has`,
    mend: `${pgprov`doctor ${inventory}`} says what PostgreSQL has seen of it; keep the backups from before (\`retention_full\`) until that is mended`,
  };
}

/** Why there is no new backup, in pgBackRest's own words where it has any. */
function whyNone({ view }: Run, host: string, type: BackupType): string {
  const ran = runOn(view, host, type);
  const failed = ran?.state === 'failed' ? `${backupUnit(type)} failed (${ran.result ?? 'no reason is known'})` : undefined;
  return ran?.error ?? infoOn(view, host)?.problem ?? failed ?? `${backupUnit(type)} took none`;
}

/** What becomes of a backup that nobody waits for any more. */
function left(run: Run): string {
  const { view, inventory } = run;
  const running = placesOf(run).flatMap(({ host }) => {
    const type = typeOn(run, host);
    return isAtWork(view, host, type) ? [{ host, unit: backupUnit(type) }] : [];
  });
  const [first] = running;
  if (first === undefined) return `see ${pgprov`backups ${inventory}`} for what is in the repositories`;
  return `the backup goes on on ${enumerate(running.map(({ host }) => host))}: ${pgprov`backup ${inventory}`} follows it, \`systemctl stop ${first.unit}\` there ends it`;
}
