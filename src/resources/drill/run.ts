import { writeFileScript } from '../files/writing.js';
import { gate } from '../gate.js';
import { memberProgress } from '../member-progress.js';
import { answerText, digestOf, type Gate, type Resource } from '../resource.js';
import { DRILL_AT, DRILL_END, DRILL_LAST, DRILL_NOTES, DRILL_PROGRAM, DRILL_UNIT, WATCHED } from './scratch.js';
import { drillData, drillEnd, drillProgram, type DrillOptions } from './program.js';
import type { DrillPhase } from './place.js';
import { joinScripts, sh } from '../../shell/quote.js';

/** Seconds after which a drill is ended by its host. */
const LIMIT = 86_400;

/** Seconds for what removes its data. */
const REMOVED_WITHIN = 3600;

/** It gets what others leave of processors and disks, and is the first to go where memory is short. */
const BEHIND_OTHERS: Readonly<Record<string, string | number>> = {
  Nice: 19,
  CPUWeight: 10,
  CPUAccounting: 'yes',
  IOWeight: 10,
  IOSchedulingClass: 'best-effort',
  IOSchedulingPriority: 7,
  OOMScoreAdjust: 1000,
};

/** A drill was begun on the host: it goes on there by itself, and removes what it has made when it ends, however it ends. */
export function drillBegun(options: DrillOptions): Resource<{ done: boolean }> {
  const { id, scratch } = options;
  const resource = `drill:${id}`;
  const root = { owner: 'root', group: 'root', mode: '0600' };
  const properties = Object.entries({
    ...BEHIND_OTHERS,
    KillMode: 'mixed',
    RuntimeMaxSec: LIMIT,
    TimeoutStopSec: REMOVED_WITHIN,
    ExecStopPost: `/bin/sh ${DRILL_END}`,
  }).map(([name, value]) => `--property=${name}=${value}`);
  return {
    id: resource,
    probe: () => sh`! grep -qsx ${`id=${id}`} ${DRILL_LAST} || echo done`,
    parse: (answer) => ({ done: answerText(answer).trim() === 'done' }),
    diff: ({ done }) => (done ? [] : [{ action: 'create', summary: `restore a backup into ${scratch}` }]),
    apply: () =>
      joinScripts([
        sh`if systemctl -q is-active ${DRILL_UNIT}; then
echo 'another drill runs on this host'
exit 1
fi
mkdir -p ${DRILL_NOTES}
chmod 0700 ${DRILL_NOTES}
printf '%s\n' ${scratch} >${DRILL_AT}
sync ${DRILL_AT} ${DRILL_NOTES}`,
        sh`( ${writeFileScript(DRILL_PROGRAM, `${drillProgram(options).text}\n`, root)} ) || exit 1
( ${writeFileScript(DRILL_END, `${drillEnd(options).text}\n`, root)} ) || exit 1
( ${writeFileScript(DRILL_LAST, `id=${id}\n`, root)} ) || exit 1
: >${WATCHED}
systemctl reset-failed ${DRILL_UNIT} 2>/dev/null || :
systemd-run -q --collect --unit=${DRILL_UNIT} --description=${`drill of a restore in ${scratch}`} ${properties} /bin/sh ${DRILL_PROGRAM}`,
      ]),
    digest: () => digestOf(resource),
  };
}

/** Seconds in which a drill that gets no further is waited for. */
const STANDS_STILL = 1800;

/**
 * Open when the drill has reached a phase, or is over, well or not.
 * @param title what is waited for, as a clause
 */
export function drillReached(options: DrillOptions, phase: DrillPhase, title: string): Gate {
  return gate({
    name: `drill-${phase}`,
    title,
    unit: DRILL_UNIT,
    fatalLogPatterns: [],
    timeout: STANDS_STILL,
    includeJournal: false,
    progress: sh`shown=$(
${memberProgress(drillData(options), options.size)}
)
echo "$(printf '%s\n' "$shown" | sed -n 1p) $(systemctl show -p CPUUsageNSec --value ${DRILL_UNIT})"
printf '%s\n' "$shown" | sed -n 2p`,
    check: sh`grep -qsx ${`id=${options.id}`} ${DRILL_LAST} || exit 0
! grep -q ${`^${phase}=`} ${DRILL_LAST} || exit 0
case "$(systemctl is-active ${DRILL_UNIT})" in
active | activating | deactivating)
: >${WATCHED}
exit 1 ;;
esac`,
  });
}
