import { sh } from '../../shell/quote.js';
import { handle } from '../handle.js';
import { isPutOff, releaseAtBoot, type BootUnit } from '../put-off.js';
import { answerText, digestOf, type Resource } from '../resource.js';
import { bringUp, serverUnit, type ServerUnitState, type UnitServer } from './server-unit.js';

/** A server that runs, and starts at boot again where pgprov had stopped it. */
export function serverStarted(options: UnitServer): Resource<ServerUnitState> {
  const { unit } = options;
  return {
    ...serverUnit(options),
    id: `server-started:${unit}`,
    diff: ({ active, held }) => [
      ...(held ? [{ action: 'enable' as const, summary: `have ${unit} start at boot again` }] : []),
      ...(active ? [] : [{ action: 'start' as const, summary: `start ${unit}` }]),
    ],
    apply: () => sh`${releaseAtBoot(options)}
${bringUp('start', options)}`,
    digest: () => digestOf('server-started', unit),
  };
}

/** Whether pgprov holds a server stopped, as the resource sees it that ends it. */
export const SERVER_HELD = handle<boolean>('server-held');

/** A server that runs by now is not held stopped any more: whoever has started it wants it to start at boot as well. */
export function serverReleased(options: BootUnit): Resource<boolean> {
  const { unit } = options;
  return {
    id: SERVER_HELD.id,
    probe: () => sh`if ${isPutOff(unit)}; then echo held; fi`,
    parse: (answer) => answerText(answer).includes('held'),
    diff: (held) => (held ? [{ action: 'enable', summary: `have ${unit} start at boot again` }] : []),
    apply: () => releaseAtBoot(options),
    digest: () => digestOf(SERVER_HELD.id, unit),
  };
}
