import { describe, expect, it } from 'vitest';
import type { InventoryError } from '../../src/model/index.js';
import { DEPTH, sample } from '../support/depth.js';
import { load } from './support/load.js';
import { benignOf, OPAQUE, PLACES, resolved } from './support/places.js';
import { hostileValues, shown } from './support/values.js';
import { patience } from '../support/patience.js';

/** No value is repeated so that a terminal acts on it, or so that the rest is lost behind it. */
function expectPlain(refused: InventoryError): void {
  for (const { message, hint = '', path, line } of refused.problems) {
    expect(path === '' ? (line ?? 0) : 1, message).toBeGreaterThan(0);
    expect(`${message}${hint}`).not.toMatch(/[\u0000-\u001f]/u);
    expect(message.length).toBeLessThan(5000);
  }
}

describe(`every string of an inventory (${DEPTH})`, () => {
  it('is covered here', () => {
    expect(PLACES.length).toBeGreaterThan(60);
    // What the schemas leave open has places of its own in test/hostile/support/places.ts.
    expect(OPAQUE).toEqual(['hosts', 'groups']);
  });

  it.each(
    sample(
      PLACES.map((place, salt) => ({ place, salt, name: place.name })),
      12,
      'inventory',
    ),
  )('$name is refused or kept unchanged', { timeout: patience(60_000) }, async ({ place, salt }) => {
    const benign = await benignOf(place, load);
    const values = hostileValues(10, salt);
    for (const [index, text] of (place.closed ? values.filter((_, at) => at % 4 === salt % 4) : values).entries()) {
      // Most patterns ask for a beginning, and then take a lot; half of the values are tried with it here, others in the next place.
      for (const value of benign === undefined || index % 2 === salt % 2 ? [text] : [text, `${benign}${text}`]) {
        const loaded = await load(place.draft(value));
        if ('refused' in loaded) {
          expectPlain(loaded.refused);
          continue;
        }
        expect(place.read(loaded.inventory), shown(value)).toBe(resolved(place, value, loaded.inventory.dir));
        break;
      }
    }
  });
});
