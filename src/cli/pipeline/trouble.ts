import type { EventListener, RunEvent } from '../../events.js';
import { renderError } from '../../report/error-text.js';
import { interruptedText, leftText } from '../../report/interruption-text.js';
import { mapEvent } from '../../report/map-event.js';
import { makePaint } from '../../report/paint.js';
import { printable } from '../../report/printable.js';
import { wrapWords } from '../../report/width.js';
import { errorLook } from '../colors.js';

/** Columns that a terminal may have filled already: it shows the Ctrl-C itself. */
const ECHO = '^C'.length;

/** What of a run without a report is told on stderr. */
export type Trouble = 'failed' | 'warning';

/** Tells what a person must hear of a run that has no report, because its stdout has the answer alone. */
export function tellTrouble(stream: NodeJS.WriteStream, tells: readonly Trouble[]): EventListener {
  const look = errorLook(stream);
  return (told) => {
    const event = mapEvent(told, printable);
    if (event.type === 'failed' && tells.includes('failed')) stream.write(`${renderError(event.error, look)}\n`);
    const warning = tells.includes('warning') ? warningOf(event) : undefined;
    if (warning === undefined) return;
    const text = `${makePaint(look.color).changed('warning:')} ${warning}`;
    const lines = text.split('\n').flatMap((line) => wrapWords(line, (look.columns ?? Infinity) - ECHO));
    stream.write(`${lines.join('\n')}\n`);
  };
}

function warningOf(event: RunEvent): string | undefined {
  switch (event.type) {
    case 'warning':
      return event.host === undefined ? event.text : `${event.host}: ${event.text}`;
    case 'interrupted':
      return interruptedText(event);
    case 'left':
      return leftText(event);
    default:
      return undefined;
  }
}
