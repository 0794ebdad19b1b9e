import type { Drift } from '../../events.js';
import type { Unfinished } from './unfinished.js';

/** What differs from the inventory, in which settings that an unfinished operation has made for its own time are said to be its. */
export function withOwnDoing(drift: readonly Drift[], unfinished: Unfinished | undefined): Drift[] {
  const { sets = [], what = '' } = unfinished ?? {};
  return drift.map((found) =>
    found.setting === undefined || !sets.includes(found.setting)
      ? found
      : {
          ...found,
          what: `the dynamic configuration of the cluster has ${found.setting}, which pgprov has set for the time of an operation`,
          mend: `leave it as it is: pgprov gives back what was there before it is finished; ${what}`,
        },
  );
}
