import type { TimedEvent } from '../timed-steps.js';

/** A run as its page tells of it. Its texts hold no secret and nothing that a terminal would act on. */
export interface ReportedRun {
  cluster: string;
  /** As `pgprov runs` names it (`done`, `failed`, `broke off`, …); `plan` of one that only looked. */
  ending: string;
  /** When it started; undefined when its journal does not say. */
  at: Date | undefined;
  ms: number;
  /** The command line, as one would write it. */
  command: string;
  /** Label to text, e.g. who started it, which version of pgprov; in the order to show them. */
  facts: readonly { label: string; text: string }[];
  events: readonly TimedEvent[];
}
