import { changeless } from './changeless.js';
import { firstApply } from './first-apply.js';
import type { Measure } from './measure.js';

/** All measures, in the order in which they are taken and shown. */
export const MEASURES: readonly Measure[] = [firstApply, changeless];
