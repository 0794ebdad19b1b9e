import { formatBytes, formatDuration } from '../../../index.js';
import { bytesOf, factsOf, trialOf, type UpgradeRun } from './seen.js';

/** Seconds for stops and starts, and until Patroni leads. */
const AROUND = 15;

/** Seconds of pg_upgrade for each second of a dump of all definitions: it dumps them, restores them, and asks for each relation's files. */
const PER_DUMP = 4;

/** For how long nothing is served, and how much of that is the copy of the data, in seconds. */
export interface Expected {
  seconds: number;
  copying: number;
}

/** For how long nothing is served, as `expectedWords` tells it. */
export function expectedTime(run: UpgradeRun): Expected | undefined {
  const { member = '', older = 0, transfer } = run.options;
  const took = trialOf(run)?.took;
  if (took === undefined || factsOf(run, member)?.bytes[older] === undefined) return undefined;
  const copying = transfer === 'clone' ? 0 : bytesOf(run, member, older) / took.copies;
  return { seconds: AROUND + took.prepare + 2 * took.check + PER_DUMP * took.dump + copying, copying };
}

/**
 * For how long nothing is served, by what the trial took on the host: a word or two of how it is reckoned with it. Undefined where the trial was not
 * made, or could not measure all of it.
 */
export function expectedWords(run: UpgradeRun): string | undefined {
  const { member = '', older = 0, transfer } = run.options;
  const expected = expectedTime(run);
  if (expected === undefined) return undefined;
  const { seconds, copying } = expected;
  const copied =
    transfer === 'clone' ? '' : `, of which ${formatDuration(copying * 1000)} to copy ${formatBytes(bytesOf(run, member, older))}`;
  return `about ${formatDuration(seconds * 1000)} by what the trial took there${copied}`;
}
