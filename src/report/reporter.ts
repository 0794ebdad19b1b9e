import { redact } from '../lib/secret.js';
import { mapEvent } from './map-event.js';
import { printable } from './printable.js';
import type { Reporter, ReporterKind, ReportStreams } from './reporter-types.js';

export { chooseOutput, type OutputChoice } from './choose-output.js';
export type { Reporter, ReporterKind, ReportStreams } from './reporter-types.js';

/** Makes a reporter; no secret that is known or looks like one gets past it. */
export async function createReporter(kind: ReporterKind, streams: ReportStreams): Promise<Reporter> {
  const reporter = await load(kind, streams);
  const clean = kind === 'json' ? redact : printable;
  return {
    emit: (event, at) => reporter.emit(mapEvent(event, clean), at),
    close: () => reporter.close(),
  };
}

/** Each form is loaded when it is asked for, since the tree brings a large library that the others do not need. */
async function load(kind: ReporterKind, streams: ReportStreams): Promise<Reporter> {
  switch (kind) {
    case 'tree': {
      const { createTreeReporter } = await import('./tree.js');
      return createTreeReporter(streams);
    }
    case 'plain': {
      const { createPlainReporter } = await import('./plain.js');
      return createPlainReporter(streams);
    }
    case 'json': {
      const { createJsonReporter } = await import('./json.js');
      return createJsonReporter(streams);
    }
  }
}
