import type { Examination } from '../../../src/index.js';
import { etcdDcs } from './dcs.js';
import type { SeenMember } from './members-seen.js';
import { damageLines } from './told-lines.js';

/** Whether a member of etcd cannot go on with its data, by its own word since its last start, or by what is in its directory. */
export function isSpoilt(examination: Examination, { host: { name }, healthy }: SeenMember): boolean {
  return etcdDcs.spoilt(examination.view, name) !== undefined || (!healthy && damageLines(examination, name).length > 0);
}
