import type { TimedListener } from '../events.js';

/** Shows a run to somebody while it runs. */
export interface Reporter {
  emit: TimedListener;
  /** Shows what is left to show and gives the terminal back; resolves however the run ended. */
  close(): Promise<void>;
}

/** Where a report writes. */
export interface ReportStreams {
  /** Everything a report says goes here. */
  out: NodeJS.WriteStream;
  /** What others write here is held back while a tree is drawn. */
  err: NodeJS.WriteStream;
  color: boolean;
}

/** How a run is shown. */
export type ReporterKind = 'tree' | 'plain' | 'json';
