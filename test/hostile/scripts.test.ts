import { describe, expect, it } from 'vitest';
import { DEPTH, sample } from '../support/depth.js';
import { feed, HOST_SHELLS, inEveryShell } from '../support/shells.js';
import { PLACES } from './support/places.js';
import { shown } from './support/values.js';
import { variantsOf } from './support/variants.js';
import { patience } from '../support/patience.js';

/** Values tried in each place. */
const VALUES = 4;

describe(`the syntax of scripts with hostile values (${DEPTH})`, () => {
  /** Built once for both shells. */
  const built = PLACES.map(() => undefined as ReturnType<typeof variantsOf> | undefined);
  // Other values than those that are run.
  const variantsAt = (salt: number): ReturnType<typeof variantsOf> =>
    (built[salt] ??= variantsOf(PLACES[salt] as (typeof PLACES)[number], salt + 1000, VALUES));

  const places = sample(
    PLACES.map(({ name }, salt) => ({ name, salt })),
    8,
    'syntax',
  );

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each(places)('is valid, whatever $name holds', { timeout: patience(60_000) }, async ({ salt }) => {
      const { variants } = await variantsAt(salt);
      if (variants.length === 0) return;
      const whole = variants.map(({ hostile }) => `(\n${hostile.script.text}\n)`).join('\n');
      const { code, err } = await feed(shell, whole, { args: ['-n'] });
      if (code === 0 && err === '') return;
      for (const { value, hostile } of variants) {
        expect({ role: hostile.role, value: shown(value), ...(await feed(shell, hostile.script.text, { args: ['-n'] })) }).toMatchObject({
          code: 0,
          err: '',
        });
      }
      expect({ code, err }).toEqual({ code: 0, err: '' });
    });
  });
});
