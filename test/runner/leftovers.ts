import { removeLeftovers } from '../lab/leftovers.js';

/** `tsx test/runner/leftovers.ts` removes what killed runs left, and says so. */
const removed = await removeLeftovers();
if (removed.length > 0) console.log(`removed what runs that were killed had left: ${removed.join(', ')}`);
