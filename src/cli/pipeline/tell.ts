import type { RunEvent } from '../../events.js';
import { redact } from '../../lib/secret.js';
import { toJsonLine } from '../../report/json.js';
import { mapEvent } from '../../report/map-event.js';
import { printable } from '../../report/printable.js';
import type { OutputOptions } from '../options.js';

/** Something that a person is told besides what a run does. */
export type Notice = Extract<RunEvent, { type: 'note' | 'warning' }>;

/** Says something ahead of a run: to programs as an event, to people as a line. */
export function tell(notices: readonly Notice[], output: OutputOptions['output'], out: NodeJS.WriteStream): void {
  const lines = notices.map((notice) =>
    output === 'json'
      ? toJsonLine(mapEvent(notice, redact), new Date())
      : printable(`${notice.type === 'warning' ? 'warning: ' : ''}${notice.text}`),
  );
  out.write(lines.map((line) => `${line}\n`).join(''));
}
