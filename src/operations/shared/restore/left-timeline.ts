import { pgprov, type OperationObjection } from '../../../index.js';
import { storeOf } from '../members.js';
import { utcText } from '../moment.js';
import type { RestoreRun } from './seen.js';
import { aimWords, readTime } from './target.js';

/** What PostgreSQL writes of a recovery to a time: `before 2026-11-29 09:11:21.200912+00`. */
const TO_A_TIME = /^(?:before|after) (?<time>\d{4}-\S+ \S+)$/u;

/**
 * A restore leaves a timeline at the time that it went back to, while that one went on until the restored data served. What was committed in between
 * is on the timeline that was left alone, and the present one has nothing of that time; so it has to be said which of them is meant.
 */
export function leftTimeline(run: RestoreRun): OperationObjection[] {
  const { view, options, inventory, source } = run;
  const { time, timeline, onto = 0 } = options;
  const meant = time === undefined ? undefined : readTime(time)?.seconds;
  // What this cluster has noted says nothing of another one's timelines.
  if (source !== undefined || meant === undefined || timeline !== undefined) return [];
  const ends = (storeOf(view)?.timelineEnds ?? []).filter((end) => end.timeline < onto);
  return ends
    .flatMap((end, index): OperationObjection[] => {
      const back = readTime(TO_A_TIME.exec(end.reason)?.groups?.['time'] ?? '')?.seconds;
      const served = ends.slice(index).find((later) => later.time !== undefined)?.time;
      if (back === undefined || served === undefined || meant < back || meant * 1000 >= Date.parse(served)) return [];
      return [
        {
          kind: 'refuse',
          message: `at ${aimWords(options)} ${inventory.cluster} was on timeline ${end.timeline}, which a restore left for what was there at ${utcText(new Date(back * 1000).toISOString())}: timeline ${onto} has nothing of that time`,
          hint: `nothing was changed; give --timeline ${end.timeline} for what was there then, or --timeline ${onto} for what that restore brought back (${pgprov`history ${inventory}`})`,
        },
      ];
    })
    .slice(0, 1);
}
