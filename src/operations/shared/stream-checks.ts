import type { CheckResult, View } from '../../index.js';
import { notStreamingWhy } from './members.js';

/** That all members but the leader stream from it. */
export function streamChecks(view: View, leader: string | undefined, members: readonly string[]): CheckResult[] {
  return members
    .filter((each) => each !== leader)
    .map((each): CheckResult => {
      const why = leader === undefined ? 'has nobody to stream from' : notStreamingWhy(view, leader, each);
      return {
        host: each,
        title: 'it streams',
        ok: why === undefined,
        detail: why === undefined ? `from ${leader}` : `it ${why}`,
        settles: true,
      };
    });
}
