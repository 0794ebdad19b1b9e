import { tryLock } from '../lock.js';

/** More than ever run side by side. */
const SLOTS = 16;

/** A place for one cluster, with a network of its own that keeps its addresses. */
export interface Slot {
  number: number;
  /** Name of its network. */
  network: string;
  /** Lets another process have it. */
  free(): Promise<void>;
}

/** Takes the first slot that no living process has, so that a few of them are used again and again. */
export async function takeSlot(): Promise<Slot> {
  for (let number = 1; number <= SLOTS; number++) {
    const unlock = await tryLock(`slot-${number}`);
    if (unlock !== undefined) return { number, network: `slot-${number}`, free: unlock };
  }
  throw new Error(`all ${SLOTS} places for clusters are taken; \`npm run lab -- list\` shows their hosts`);
}
