import type { EventListener } from '../../events.js';
import { renderError } from '../../report/error-text.js';
import { mapEvent } from '../../report/map-event.js';
import { makePaint } from '../../report/paint.js';
import { printable } from '../../report/printable.js';
import { errorLook } from '../colors.js';

/** What of a run without a report is told on stderr. */
export type Trouble = 'failed' | 'warning';

/** Tells what a person must hear of a run that has no report, because its stdout has the answer alone. */
export function tellTrouble(stream: NodeJS.WriteStream, tells: readonly Trouble[]): EventListener {
  const look = errorLook(stream);
  return (told) => {
    const event = mapEvent(told, printable);
    if (event.type === 'failed' && tells.includes('failed')) stream.write(`${renderError(event.error, look)}\n`);
    if (event.type === 'warning' && tells.includes('warning')) {
      const host = event.host === undefined ? '' : `${event.host}: `;
      stream.write(`${makePaint(look.color).changed('warning:')} ${host}${event.text}\n`);
    }
  };
}
