import { NOTHING, sh, type Script } from '../shell/quote.js';
import { handle, type Handle } from './handle.js';
import { answerText, digestOf, NOTHING_DONE, type Observation, type Resource } from './resource.js';
import { controlUnit } from './service.js';

/** What is seen of a unit's present start. */
export function unitStartHandle(unit: string): Handle<string> {
  return handle(`unit-start:${unit}`);
}

/** The id that systemd has given the present start of a unit (systemd.exec(5), INVOCATION_ID); '' while it does not run. */
export function unitStart(unit: string): Observation<string> {
  return {
    id: unitStartHandle(unit).id,
    probe: () => sh`if systemctl -q is-active ${unit}; then systemctl show -p InvocationID --value ${unit}; fi`,
    parse: (answer) => answerText(answer).trim(),
  };
}

/** A unit that is restarted once. */
export interface UnitRestartOptions {
  unit: string;
  /** Its `unitStart` as it was before; a unit that was started since then is not restarted. */
  before: string;
  /** Asked right before the restart; says why not, and fails. */
  unless?: Script;
  /** What else is down while the unit is, as a sentence for who has to hear that it did not come up again. */
  downWithIt?: string;
}

/** A systemd unit, restarted unless it has been since. */
export function unitRestart({ unit, before, unless = NOTHING, downWithIt }: UnitRestartOptions): Resource<string> {
  const start = unitStart(unit);
  return {
    ...start,
    id: `unit-restart:${unit}`,
    diff: (start) => (start === before ? [{ action: 'restart', summary: `restart ${unit}` }] : []),
    apply: () => sh`set +e
(
set -e
${unless}
) || exit ${NOTHING_DONE}
(
set -e
${controlUnit('restart', { unit, timeout: 180 })}
)
status=$?
set -e
if [ "$status" != 0 ]; then
now=$(${start.probe()})
if [ -n "$now" ] && [ "$now" = ${before} ]; then
case "$(systemctl show -p Job --value ${unit})" in '' | 0) exit ${NOTHING_DONE} ;; esac
fi
[ -n "$now" ] || ${downWithIt === undefined ? NOTHING : sh`echo ${downWithIt}`}
exit "$status"
fi`,
    digest: () => digestOf('unit-restart', unit, before),
  };
}
