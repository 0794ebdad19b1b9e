import type { Bench } from '../bench.js';
import type { ContenderName } from '../contenders/names.js';
import type { Findings } from '../report/results.js';

/** Something that is measured. */
export interface Measure {
  /** As `--only` names it. */
  name: string;
  title: string;
  /** What is done, and where the clock starts and stops; Markdown. */
  work: string;
  /** Who is asked to take part. */
  contenders: readonly ContenderName[];
  run(bench: Bench): Promise<Findings>;
}
