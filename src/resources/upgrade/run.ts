import { setOwnershipScript, type Ownership } from '../files/path.js';
import { writeFileScript } from '../files/writing.js';
import { gate } from '../gate.js';
import { asDatabaseUser } from '../psql.js';
import { answerText, digestOf, type Gate, type Resource } from '../resource.js';
import { sh, type Script } from '../../shell/quote.js';
import { draftOf, UPGRADE_NOTES, UPGRADING_UNIT, type Major } from './place.js';
import { halfSpacesRemoved, newSpacesKept, newSpacesNoted } from './spaces.js';
import { superuserWords } from './trial.js';

/** How the files of the former cluster come to the new one. */
export type Transfer = 'copy' | 'clone';

/** An upgrade of a data directory whose server is down. */
export interface UpgradeRunOptions {
  from: Major;
  to: Major;
  ownership: Ownership;
  /** Words for initdb. */
  initdb: readonly string[];
  /** shared_preload_libraries of the former cluster, which libraries of extensions may need in the new one as well. */
  preload: string;
  transfer: Transfer;
  /** Patroni's unit, which must be down. */
  unit: string;
}

/** Where the script lies that the unit runs; systemd would read variables in a command's words. */
const SCRIPT = `/run/${UPGRADING_UNIT}.sh`;

/** What pg_upgrade said last. */
const SAID = `${UPGRADE_NOTES}/pg_upgrade.log`;

function parentOf({ path }: Major): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** So many lines of what it says where it fails; the gate tells as many. */
const LINES = 11;

function isUpgraded({ path }: Major): Script {
  return sh`[ -s ${`${path}/global/pg_control`} ]`;
}

/**
 * pg_upgrade makes a data directory of the new major from the former one, which stays as it is, or is at it: in a unit of its own, so that it goes on
 * when pgprov is cut off. It works beside the place of the new directory, which is renamed when it is whole. What an upgrade that was broken off has
 * made there, and in the directories of tablespaces, is made anew.
 *
 * The empty directory at that place becomes the one in which initdb makes the new cluster: so that has its label where SELinux is on, and the database
 * user need not be let make a directory there.
 */
export function upgradeRuns(options: UpgradeRunOptions): Resource<{ done: boolean }> {
  const { from, to, ownership, unit } = options;
  const id = `upgraded:${to.path}`;
  return {
    id,
    probe: () => sh`if ${isUpgraded(to)}; then echo done
elif systemctl -q is-active ${UPGRADING_UNIT}; then echo done
fi`,
    parse: (answer) => ({ done: answerText(answer).trim() === 'done' }),
    diff: ({ done }) => (done ? [] : [{ action: 'create', summary: `have pg_upgrade make ${to.path} from ${from.path}` }]),
    apply: () => sh`if systemctl -q is-active ${unit}; then
echo ${`${unit} runs on this host`}
exit 1
fi
mkdir -p ${UPGRADE_NOTES}
rm -f ${SAID}
if [ ! -d ${parentOf(to)} ]; then
mkdir -p ${parentOf(to)}
${setOwnershipScript(parentOf(to), { ...ownership, mode: '0755' })}
fi
( ${writeFileScript(SCRIPT, upgradeScript(options).text, { owner: 'root', group: 'root', mode: '0600' })} ) || exit 1
systemctl reset-failed ${UPGRADING_UNIT} 2>/dev/null || :
systemd-run -q --unit=${UPGRADING_UNIT} --description=${`pg_upgrade from ${from.path} to ${to.path}`} ${[
      '--property=KillMode=control-group',
      '--property=TimeoutStopSec=60',
    ]} /bin/sh ${SCRIPT}`,
    digest: () => digestOf(id, options.transfer, ...options.initdb),
  };
}

/** With the server that may need them, libraries are preloaded in the new one while pg_upgrade works. */
function upgradeScript({ from, to, ownership, initdb, preload, transfer }: UpgradeRunOptions): Script {
  const { server } = to;
  const { binDirectory, user } = server;
  const draft = draftOf(to);
  const quoted = preload.replaceAll("'", "''");
  const words = [
    ...['-b', from.server.binDirectory, '-B', binDirectory, '-d', from.path, '-D', draft, ...superuserWords(server)],
    // Commits of pg_upgrade on the former server wait for no standby: all are down.
    ...['-o', "-c synchronous_standby_names=''"],
    ...(transfer === 'clone' ? ['--clone'] : []),
  ];
  return sh`set -e
cd /
work=$(mktemp -d /run/pgprov-upgrading.XXXXXX)
chown ${user} "$work"
trap 'rm -rf "$work"' EXIT
${halfSpacesRemoved(draft, to.version)}
rm -rf ${draft}
if [ ! -d ${to.path} ]; then
mkdir ${to.path}
if command -v restorecon >/dev/null 2>&1; then restorecon ${to.path} || :; fi
fi
if [ -n "$(ls -A ${to.path})" ]; then
echo ${`${to.path} is not empty`}
exit 1
fi
${setOwnershipScript(to.path, ownership)}
mv -T ${to.path} ${draft}
${asDatabaseUser(server, sh`${`${binDirectory}/initdb`} -D ${draft} --auth-local=peer ${initdb}`)} >${SAID} 2>&1 || { tail -n ${LINES} ${SAID}; exit 1; }
${newSpacesNoted(from.path, draft, to.version)}
cp -p ${`${draft}/postgresql.conf`} "$work/postgresql.conf"
[ -z ${preload} ] || printf '%s\n' ${`shared_preload_libraries = '${quoted}'`} >>${`${draft}/postgresql.conf`}
cd "$work"
if ! ${asDatabaseUser(server, sh`${`${binDirectory}/pg_upgrade`} -j "$(nproc)" ${words}`)} >${SAID} 2>&1; then
{
grep -v '  ok$' ${SAID} | tail -n ${LINES}
find ${draft} -path '*pg_upgrade_output.d*' -name '*.txt' -exec head -n 3 {} +
} | grep . | tail -n ${LINES}
${halfSpacesRemoved(draft, to.version)}
exit 1
fi
cd /
cp -p "$work/postgresql.conf" ${`${draft}/postgresql.conf`}
rm -rf ${`${draft}/pg_upgrade_output.d`} ${`${draft}/delete_old_cluster.sh`}
chmod ${ownership.mode} ${draft}
sync -f ${draft}
mv -T ${draft} ${to.path}
sync -f ${parentOf(to)}
${newSpacesKept(to.version)}
`;
}

/** Seconds in which an upgrade that does nothing is waited for. */
const STANDS_STILL = 900;

/** Open when the new data directory is in its place. */
export function upgradedGate({ to }: Pick<UpgradeRunOptions, 'to'>): Gate {
  const draft = draftOf(to);
  return gate({
    name: 'upgraded',
    title: 'pg_upgrade has made the new data',
    unit: UPGRADING_UNIT,
    fatalLogPatterns: [],
    timeout: STANDS_STILL,
    progress: sh`size() { du -sk "$1" 2>/dev/null | cut -f 1; }
now=$(size ${draft})
echo "$now $(wc -c <${SAID}) $(ps -e -o comm=,time= | grep -E '^(pg_upgrade|pg_dump|pg_restore|postgres|initdb|sync) ' | tr -d '\n')"
echo "$(($(printf %s "$now" | grep . || echo 0) / 1024)) MiB made: $(tail -n 1 ${SAID})"`,
    check: isUpgraded(to),
  });
}
