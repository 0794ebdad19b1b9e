import { NOTHING, sh, type Script } from '../shell/quote.js';
import { handle, type Handle } from './handle.js';
import { answerText, digestOf, type Observation, type Resource } from './resource.js';
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
}

/** A systemd unit, restarted unless it has been since. */
export function unitRestart({ unit, before, unless }: UnitRestartOptions): Resource<string> {
  return {
    ...unitStart(unit),
    id: `unit-restart:${unit}`,
    diff: (start) => (start === before ? [{ action: 'restart', summary: `restart ${unit}` }] : []),
    apply: () => sh`${unless ?? NOTHING}
${controlUnit('restart', { unit, timeout: 180 })}`,
    digest: () => digestOf('unit-restart', unit, before),
  };
}
