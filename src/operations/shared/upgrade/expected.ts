import { formatBytes, formatDuration } from '../../../index.js';
import { factsOf, trialOf, type UpgradeRun } from './seen.js';

/** Seconds for stops and starts, and until Patroni leads. */
const AROUND = 15;

/** Seconds of pg_upgrade for each second of a dump of all definitions: it dumps them, restores them, and asks for each relation's files. */
const PER_DUMP = 4;

/**
 * For how long nothing is served, by what the trial took on the host: a word or two of how it is reckoned with it. Undefined where the trial was not
 * made, or could not measure all of it.
 */
export function expectedWords(run: UpgradeRun): string | undefined {
  const { member = '', older = 0, transfer } = run.options;
  const took = trialOf(run)?.took;
  const bytes = factsOf(run, member)?.bytes[older];
  if (took === undefined || bytes === undefined) return undefined;
  const copying = transfer === 'clone' ? 0 : bytes / took.copies;
  const seconds = AROUND + took.prepare + 2 * took.check + PER_DUMP * took.dump + copying;
  const copied = transfer === 'clone' ? '' : `, of which ${formatDuration(copying * 1000)} to copy ${formatBytes(bytes)}`;
  return `about ${formatDuration(seconds * 1000)} by what the trial took there${copied}`;
}
