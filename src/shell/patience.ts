import { Script } from './quote.js';

/** The shell's variable with the factor; every framed script sets it. */
export const PATIENCE_VARIABLE = 'pgprov_patience';

/** A script that nobody frames waits as long as usual. */
const FACTOR = `\${${PATIENCE_VARIABLE}:-1}`;

/**
 * A limit in seconds for a script, as arithmetic: as many times longer as the host is to be waited for (`base.patience`). What a script
 * starts by a shell of its own gets it as a word, because that shell does not know the factor.
 */
export function seconds(limit: number): Script {
  return Script.build(`$((${limit} * ${FACTOR}))`);
}

/**
 * The same for one try of a condition that is tried again and again: it begins with so many seconds and grows with those that were waited
 * (`$waited`, nothing before the first), so that a host that is slow is told from one that does not answer.
 */
export function growingSeconds(first: number): Script {
  const waited = '${waited:-0}';
  return Script.build(`$(((${first} + (${waited} < ${GROWS_FOR} ? ${waited} : ${GROWS_FOR}) / 5) * ${FACTOR}))`);
}

/** Seconds of waiting after which one try is given no more time, so that it does not hold up the others. */
const GROWS_FOR = 100;
