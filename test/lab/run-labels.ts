import { createHash } from 'node:crypto';

import { asText, isGone } from './owner.js';
import { CHECKOUT } from './paths.js';

/** The label of containers and networks that a run of the tests made, and the variable by which its processes know of it. */
export const RUN_LABEL = 'pgprov.lab.run';
export const RUN_VARIABLE = 'PGPROV_TEST_RUN';

const HERE = createHash('sha256').update(CHECKOUT).digest('hex').slice(0, 12);

/** A run of the tests, whose process is this one: the process and the checkout, since several checkouts may share a lab. */
export function thisRun(): string {
  return `${asText()}@${HERE}`;
}

/** Whether a run was one of this checkout's, and its process is gone. */
export function isOver(run: string): boolean {
  const [owner = '', checkout] = run.split('@');
  return checkout === HERE && isGone(owner);
}

/**
 * The labels for what is made now. Outside of a run of the tests, where hosts stay until somebody removes them, the label is empty
 * rather than absent: a container has the labels of its image, and that may have been made of a host of a run.
 */
export function runLabels(): Record<string, string> {
  return { [RUN_LABEL]: process.env[RUN_VARIABLE] ?? '' };
}
