import {
  command,
  dataDirectoryOf,
  endHold,
  gate,
  isHeld,
  isPutOff,
  localServer,
  logPlaceOf,
  memberProgress,
  ownCluster,
  psql,
  recoverySettingsGone,
  releaseAtBoot,
  sh,
  SYNCHRONOUS_FILE,
  type Gate,
  type Resource,
  type RoleContext,
} from '../../../index.js';
import { dataLabel } from '../../../../roles/shared/selinux.js';
import { standaloneCluster } from '../../../../roles/shared/standalone.js';
import { unitServer } from '../../../../roles/shared/streaming/server-unit.js';
import { withoutPatroni } from '../../../../roles/shared/without-patroni.js';
import { unitOf } from '../servers.js';

/** What a server that Patroni does not run takes to be started with the data that was restored. */
export function restoredStarts(context: RoleContext): Resource[] {
  const { host, platform } = context;
  const data = dataDirectoryOf(host, platform);
  const isBeside = standaloneCluster(context).configDirectory === data;
  return [
    recoverySettingsGone(data),
    ownCluster(data),
    // Files beside the data are those of then.
    ...(isBeside ? [...dataLabel(host, platform), ...withoutPatroni(context).ofCopy] : []),
    waitsForNobody(context),
    serverStarts(context),
  ] as Resource[];
}

/** No standby is there yet that a commit could wait for. */
function waitsForNobody(context: RoleContext): Resource {
  const path = `${standaloneCluster(context).configDirectory}/${SYNCHRONOUS_FILE}`;
  return command({
    name: 'waits-for-nobody',
    summary: `take ${path} away until standbys stream`,
    unless: sh`[ ! -e ${path} ]`,
    run: sh`rm -f ${path}`,
  }) as Resource;
}

/** PostgreSQL’s own unit runs, and may be started by whoever wants it again, also by a boot where `pgprov stop` had stopped it. */
export function serverStarts(context: RoleContext): Resource {
  const unit = unitOf(context);
  return command({
    name: `start-${unit}`,
    summary: `start ${unit}`,
    unless: sh`! ${isHeld(unit)} && ! ${isPutOff(unit)} && case "$(systemctl is-active ${unit})" in active | activating) : ;; *) false ;; esac`,
    run: sh`${endHold(unit)}
${releaseAtBoot(unitServer(context))}
systemctl reset-failed ${unit} 2>/dev/null || :
systemctl start --no-block ${unit}`,
  }) as Resource;
}

/** A server that has no data may be made again. */
export function serverReleased(context: RoleContext): Resource {
  const unit = unitOf(context);
  return command({
    name: `release-${unit}`,
    summary: `let ${unit} be started again`,
    unless: sh`! ${isHeld(unit)}`,
    run: endHold(unit),
  }) as Resource;
}

/** Seconds in which a server that gets no further is waited for: after a crash it replays WAL. */
const STANDS_STILL = 300;

/** Open when the server takes writes, and its unit counts as started. */
export function servesGate(context: RoleContext): Gate {
  const { host, platform } = context;
  return gate({
    name: 'serves',
    title: `PostgreSQL on ${host.name} takes writes`,
    unit: unitOf(context),
    log: logPlaceOf(context),
    fatalLogPatterns: [],
    timeout: STANDS_STILL,
    progress: memberProgress(dataDirectoryOf(host, platform)),
    check: sh`[ "$(${psql(localServer(host, platform), ['-c', 'SELECT pg_is_in_recovery()'])} 2>&1)" = f ] || { echo 'it takes no writes yet'; exit 1; }
systemctl -q is-active ${unitOf(context)} || { echo 'systemd still starts it'; exit 1; }`,
  });
}
