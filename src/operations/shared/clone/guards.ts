import { enumerate, pgprov, type Inventory, type OperationObjection, type OperationStart } from '../../../index.js';
import { PASSPHRASE } from '../../../../roles/shared/backup/config-file.js';
import { hasServer, repositoriesOf } from '../../../../roles/shared/backup/repositories.js';
import { hostedRepositories, placesOf } from '../../../../roles/shared/backup/source.js';
import { backedUpHosts, backupSettings, stanzaOf } from '../../../../roles/shared/backup/stanza.js';
import { hostsWith, scopeOf } from '../../../../roles/shared/layout.js';
import { variables } from '../../../../roles/shared/variables.js';
import { restoreObjections } from '../restore/guards.js';
import { aimProblems } from '../restore/problems.js';
import { infoOf, isUntouched } from '../restore/seen.js';
import { SOURCE_ARCHIVE } from '../restore/source.js';
import { aimWords, readTime } from '../restore/target.js';
import { hasPatroni, serverRole, topologyWords } from '../servers.js';
import { utcText } from '../moment.js';
import type { CloneOptions, CloneRun } from './seen.js';

type Start = OperationStart<CloneOptions>;

function wrong(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'input', error: 'clone/options', message, hint }];
}

/** What is wrong with two inventories, and with what was given. */
export function cloneProblems(start: Start): OperationObjection[] {
  const { inventory, options, source } = start;
  if (source === undefined) return wrong('what is to be cloned?', 'name the inventory of the cluster whose backups are restored');
  const questions = [() => apart(inventory, source.inventory), () => fitting(inventory, source.inventory), () => readable(start)];
  for (const asked of questions) {
    const found = asked();
    if (found.length > 0) return found.slice(0, 1);
  }
  if (options.id !== undefined) return [];
  if (options.undo === true)
    return wrong(`no clone into ${inventory.cluster} is unfinished, so there is none to take back`, 'leave out --undo');
  return aimProblems(start, source.inventory);
}

/** They must be told apart by more than the system identifier, which a clone has from its source. */
function apart(into: Inventory, from: Inventory): OperationObjection[] {
  const own = 'a clone is a cluster of its own';
  if (into.cluster === from.cluster)
    return wrong(`both inventories are of a cluster ${from.cluster}`, `${own}: give it another name in ${into.file}`);
  const shared = into.hosts.flatMap(({ name, address, clusterAddress }) => {
    const other = from.hosts.find((host) => host.address === address || host.clusterAddress === clusterAddress);
    return other === undefined ? [] : [`${name} of ${into.cluster} has the address of ${other.name} of ${from.cluster}`];
  });
  if (shared.length > 0) return wrong(enumerate(shared), `${own}, on hosts of its own`);
  if (hostsWith(into, serverRole(into)).length === 0)
    return wrong(`${into.cluster} has no database servers`, 'give its hosts the role postgresql');
  if (hasPatroni(from) && !hasPatroni(into))
    return wrong(
      `${from.cluster} is ${topologyWords(from)}, and ${into.cluster} is ${topologyWords(into)}: what Patroni keeps in its data directories would count there`,
      `give the hosts of ${into.cluster} the roles of Patroni as well; one member is enough for a copy`,
    );
  const [member] = hostsWith(into, 'patroni');
  const [former] = hostsWith(from, 'patroni');
  if (member !== undefined && former !== undefined && scopeOf(into, member) === scopeOf(from, former))
    return wrong(`both clusters have the scope ${scopeOf(from, former)}`, `${own}: give it another patroni.scope in ${into.file}`);
  if (backedUpHosts(from).length === 0)
    return wrong(`${from.cluster} has no backups`, 'give its hosts the role backup, and see docs/backups.md');
  if (backedUpHosts(into).length === 0 || stanzaOf(into) !== stanzaOf(from)) return [];
  const place = placesOf(into).find((each) => placesOf(from).includes(each));
  if (place === undefined) return [];
  return [
    {
      kind: 'refuse',
      message: `${into.cluster} and ${from.cluster} have the same stanza ${stanzaOf(from)} in the same repository, ${place}: the clone would write into the backups that it is made of`,
      hint: `give ${into.cluster} another backup.stanza, or another place for its backups`,
    },
  ];
}

/** The data can be run there. */
function fitting(into: Inventory, from: Inventory): OperationObjection[] {
  const [member] = hostsWith(into, serverRole(into));
  const [backedUp] = backedUpHosts(from);
  if (member === undefined || backedUp === undefined) return [];
  const [own, theirs] = [variables(member, 'postgresql'), variables(backedUp, 'postgresql')];
  if (own.version !== theirs.version)
    return wrong(
      `${from.cluster} has PostgreSQL ${theirs.version}, and ${into.cluster} has ${own.version}`,
      `a clone is data of the same version: give ${into.cluster} postgresql.version ${theirs.version}`,
    );
  if (!hasPatroni(into) || own.superuser === theirs.superuser) return [];
  return wrong(
    `the superuser of ${from.cluster} is ${theirs.superuser}, and that of ${into.cluster} is ${own.superuser}`,
    `a clone has the roles of its source: give ${into.cluster} postgresql.superuser ${theirs.superuser}`,
  );
}

/** This machine has what reading the backups takes. */
function readable({ source, inventory }: Start): OperationObjection[] {
  if (source === undefined) return [];
  const { inventory: from, credentials, client } = source;
  const store = `.pgprov/${from.cluster} beside ${from.file}`;
  const hosted = hostedRepositories(from);
  const [alone] = hosted.flatMap(({ host }) => (host === undefined || hasServer(host) ? [] : [host.name]));
  if (alone !== undefined)
    return wrong(
      `the backups of ${from.cluster} are on ${alone} alone, and no other host reaches them`,
      `a clone needs backups in a store of objects, in a directory that ${inventory.cluster} mounts too, or on a host with the role backup-repository that is no database server of its own`,
    );
  if (hosted.length > 0 && client === undefined)
    return wrong(`this machine has no authority of ${from.cluster}, and its repository host lets in nobody else`, `bring ${store} here`);
  const isKept = hosted.length > 0 || !isEncrypted(from);
  if (!isKept) credentials.password(PASSPHRASE, backupSettings(from).passphrase);
  if (isKept || !credentials.generated.includes(PASSPHRASE)) return [];
  return wrong(`this machine does not know the passphrase of the backups of ${from.cluster}`, `bring ${store} here, or give ${PASSPHRASE}`);
}

function isEncrypted(from: Inventory): boolean {
  return repositoriesOf(from).some(({ settings: { encrypted = true } }) => encrypted);
}

/** Why a clone must not begin, or go on; asked before every step. */
export function cloneObjections(run: CloneRun): OperationObjection[] {
  const found = restoreObjections(run);
  if (found.length > 0 || run.options.undo === true || !isUntouched(run)) return found;
  return [...occupied(run), ...reached(run)].slice(0, 1);
}

/** It has data that somebody may miss. */
function occupied({ inventory, options: { has = [], approve } }: CloneRun): OperationObjection[] {
  if (has.length === 0 || approve === true) return [];
  return [
    {
      kind: 'refuse',
      message: `${inventory.cluster} is not empty: it has ${enumerate(has)}`,
      hint: 'nothing was changed; where that is to make room for the clone, add --approve: it is put aside and kept',
    },
  ];
}

/** Its source is not told to archive what it has written, so a moment that has just passed may not be in the archive yet. */
function reached(run: CloneRun): OperationObjection[] {
  const { view, options, source } = run;
  const { time, member = '', repository } = options;
  const last = view.read(member, SOURCE_ARCHIVE)?.find((each) => each.repository === repository)?.last;
  const until = time === undefined ? undefined : readTime(time)?.seconds;
  if (last === undefined || until === undefined || until <= last || infoOf(run) === undefined) return [];
  const from = source?.inventory;
  return [
    {
      kind: 'refuse',
      message: `${aimWords(options)} is not in the archive of ${from?.cluster ?? ''} yet: its last WAL came at ${utcText(new Date(last * 1000).toISOString())}`,
      hint: `nothing was changed; what was committed by then comes with backup.archive_timeout${from === undefined ? '' : `, see ${pgprov`backups ${from}`}`}; --latest restores to the last commit that is archived`,
      settles: true,
    },
  ];
}
