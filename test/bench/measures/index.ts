import { changeless } from './changeless.js';
import { distance } from './distance.js';
import { firstApply } from './first-apply.js';
import type { Measure } from './measure.js';
import { oneChange } from './one-change.js';
import { start } from './start.js';
import { waysIn } from './ways-in.js';
import { width } from './width.js';
import { writeGap } from './write-gap.js';

/** All measures, in the order in which they are taken and shown. */
export const MEASURES: readonly Measure[] = [firstApply, changeless, oneChange, distance, width, writeGap, waysIn, start];
