import {
  ASKED_NOTES,
  askInfo,
  backupProgress,
  command,
  gate,
  NOTHING,
  sh,
  type BackupInfoOptions,
  type Gate,
  type Resource,
  type Script,
} from '../../../index.js';
import { asGoodAs, type BackupType } from '../../../../roles/shared/backup/schedule.js';

/** A unit that takes backups on a host. */
export interface BackupUnit {
  /** Without `.service`. */
  unit: string;
  type: BackupType;
  /** How pgBackRest is asked there. */
  info: BackupInfoOptions;
  /** Its runs that begin later are those of this operation, in seconds by the host's clock. */
  since: number;
  /** Likewise backups that end later, and are at least as good, by the clock of the server that leads. */
  after: number;
  /** None expires after it; default: what is beyond the retention does. */
  keepsAll?: true;
  /** The host notes that a command waits for it: that command has no other record, and knows by it the backup again that it began. */
  isNoted?: true;
}

/** Seconds for which a backup may get no further: pgBackRest itself waits so long for another host that says nothing. */
const STANDS_STILL = 1900;

/** Seconds without a word after which a unit whose pgBackRest has given up counts as over. */
const SILENT = 30;

/** Starts the unit, and does not wait for its end; one that pgBackRest has given up in is ended first. */
export function startBackup({ unit, type, info, since, after, keepsAll, isNoted }: BackupUnit, isStuck: boolean): Resource {
  const service = `${unit}.service`;
  return command({
    name: `backup-${unit}`,
    summary: `start ${unit}`,
    // It may have ended before anybody looks, and well or not.
    unless: sh`state=$(systemctl is-active ${service})
case "$state" in active | activating | deactivating) ${isStuck ? sh`exit 1` : sh`exit 0`} ;; esac
read -r up idle </proc/uptime
began=$(systemctl show -p ExecMainStartTimestampMonotonic --value ${service})
awk -v now="$(date +%s.%N)" -v up="$up" -v began="$began" -v since=${since} 'BEGIN { exit !(began > 0 && now - up + began / 1000000 >= since) }' && exit 0
${askInfo(info)} | tr '{' '\n' | awk -F '"stop":' -v after=${after} -v types=${`"type":"(${asGoodAs(type).join('|')})"`} '$2 + 0 > after && $2 ~ types { found = 1 } END { exit !found }'`,
    run: sh`${isStuck ? sh`systemctl stop ${service}` : NOTHING}
${keepsAll === true ? keepAll(service) : NOTHING}
${isNoted === true ? sh`mkdir -p ${ASKED_NOTES} && echo ${Math.ceil(since)} ${after} >${`${ASKED_NOTES}/${unit}`}` : NOTHING}
systemctl reset-failed ${service} 2>/dev/null || :
systemctl start --no-block ${service}`,
  });
}

/**
 * For its next run pgBackRest gets a variable of its environment, and the unit begins although backups are held; that is over when it has ended, well
 * or not.
 */
function keepAll(service: string): Script {
  const directory = `/run/systemd/system/${service}.d`;
  const file = `${directory}/pgprov-keep-all.conf`;
  const over = `/bin/sh -c 'rm -f ${file}; systemctl daemon-reload'`;
  return sh`mkdir -p ${directory}
printf '%s\n' '[Unit]' AssertPathExists= '[Service]' Environment=PGBACKREST_EXPIRE_AUTO=n ${`ExecStopPost=+${over}`} >${file}
systemctl daemon-reload`;
}

/** Open when the unit has ended, well or not: what came of it is seen by what pgBackRest and systemd say then. */
export function backupGate({ unit, type, info, since }: BackupUnit): Gate {
  const service = `${unit}.service`;
  return gate({
    name: 'backup-over',
    title: `the ${type} backup is over`,
    unit,
    fatalLogPatterns: [],
    timeout: STANDS_STILL,
    includeJournal: false,
    progress: backupProgress(unit, info),
    check: sh`case "$(systemctl is-active ${service})" in active | activating | deactivating) ;; *) exit 0 ;; esac
[ $((waited % 5)) = 4 ] || exit 1
said=$(journalctl --quiet --no-pager --all --output=short-unix --since="@"${Math.floor(since)} ${`_SYSTEMD_UNIT=${service}`} | tail -n 20)
case "$said" in *'ERROR: '*) ;; *) exit 1 ;; esac
last=$(printf '%s\n' "$said" | tail -n 1)
last=$(printf '%s\n' "$last" | cut -d . -f 1)
[ "$(($(date +%s) - last))" -ge ${SILENT} ] || exit 1
case "$(${askInfo(info)})" in *'"held":true'*) exit 1 ;; esac`,
  });
}

/** The host forgets that a command waits for the unit: it has seen the end. What waits on the host itself may do so for nobody any more. */
export function backupSeen(unit: string): Resource {
  const note = `${ASKED_NOTES}/${unit}`;
  return command({ name: `backup-seen:${unit}`, summary: `remove ${note}`, unless: sh`[ ! -e ${note} ]`, run: sh`rm ${note}` });
}
