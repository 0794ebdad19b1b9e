import { createHash } from 'node:crypto';

import { CHECKOUT } from './paths.js';

/** The label of containers and networks that a run of the tests made: the process of the run, as `asText` has it. */
export const RUN_LABEL = 'pgprov.lab.run';

/** The label with the checkout whose tests they are; checkouts may share a lab. */
export const CHECKOUT_LABEL = 'pgprov.lab.checkout';

/** The value of `CHECKOUT_LABEL` for this checkout. */
export const THIS_CHECKOUT = createHash('sha256').update(CHECKOUT).digest('hex').slice(0, 12);

/** The labels for what is made now: none outside of a run of the tests, where hosts stay until somebody removes them. */
export function runLabels(): Record<string, string> {
  const run = process.env['PGPROV_TEST_RUN'] ?? '';
  return run === '' ? {} : { [RUN_LABEL]: run, [CHECKOUT_LABEL]: THIS_CHECKOUT };
}
