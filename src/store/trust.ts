import { PgprovError } from '../lib/errors.js';

/** Which of a cluster's authorities issues, and which are trusted; by the names of their files without `.crt`. */
export interface Trust {
  issuing: string;
  /** In the order in which hosts have them in ca.crt. */
  trusted: readonly string[];
  /** The authority that a rotation is about to drop everywhere. */
  retiring?: string;
}

/** What a cluster has that never rotated its authority. */
export const FIRST_TRUST: Trust = { issuing: 'ca', trusted: ['ca'] };

/**
 * How far a rotation is.
 *
 * `trust`: hosts learn to trust the next authority beside the present one, which still issues.
 * `issue`: both are trusted, and the next one issues.
 * `drop`: the next one is the only one; hosts forget the old one. An authority that has expired is replaced in this phase alone.
 */
export type RotationPhase = 'trust' | 'issue' | 'drop';

/** A phase to enter, or the ways out: `finish` the last one, or `replace` an authority that has expired by a new one at once. */
export type RotationStep = RotationPhase | 'finish' | 'replace';

/** The phase of the rotation that is under way, if one is. */
export function phaseOf({ issuing, trusted, retiring }: Trust): RotationPhase | undefined {
  if (retiring !== undefined) return 'drop';
  if (trusted.length < 2) return undefined;
  return issuing === trusted[0] ? 'trust' : 'issue';
}

/** The name of the authority that is made next. */
export function nextName(known: Iterable<string>): string {
  const numbers = [...known].map((name) => generationOf(name));
  return `ca-${Math.max(...numbers, 1) + 1}`;
}

/** 1 for a cluster's first authority, 2 for the one that its first rotation made. */
export function generationOf(name: string): number {
  return Number(/^ca-(?<number>\d+)$/u.exec(name)?.groups?.['number'] ?? 1);
}

/**
 * The trust after a step. Each is safe where the phase before it has reached every host.
 *
 * @param next name of a new authority, for `trust` and `replace`
 */
export function takeStep(trust: Trust, step: RotationStep, next: string): Trust {
  const [old = ''] = trust.trusted;
  const newest = trust.trusted.at(-1) ?? '';
  const phase = phaseOf(trust);
  if (step === 'replace') return { issuing: next, trusted: [next], retiring: trust.issuing };
  if (step === 'trust' && phase === undefined) return { issuing: old, trusted: [old, next] };
  if (step === 'issue' && phase === 'trust') return { issuing: newest, trusted: trust.trusted };
  if (step === 'drop' && phase === 'issue') return { issuing: newest, trusted: [newest], retiring: old };
  if (step === 'finish' && phase === 'drop') return { issuing: newest, trusted: [newest] };
  throw new PgprovError({
    kind: 'store/rotation-step',
    message: `the rotation of the authority cannot continue with “${step}”: it is ${phase === undefined ? 'not under way' : `in the phase “${phase}”`}`,
    hint: 'another run may have continued it; give the same command again',
  });
}

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/gu;

/** The certificates of a bundle; undefined when there is anything else in it, or nothing. */
export function splitBundle(text: string): string[] | undefined {
  const blocks = text.match(BLOCK);
  if (blocks === null || text.replaceAll(BLOCK, '').trim() !== '') return undefined;
  return blocks.map((block) => `${block}\n`);
}

/**
 * Reads the file that says which authorities count.
 * @throws PgprovError when it is not one that pgprov wrote
 */
export function readTrust(text: string | undefined, path: string): Trust {
  if (text === undefined) return FIRST_TRUST;
  const value = parse(text);
  if (value !== undefined) return value;
  throw new PgprovError({
    kind: 'store/unreadable',
    message: `${path} does not say which of the cluster's certificate authorities count`,
    hint: 'bring the file back from a backup; it belongs to ca*.crt and ca*.key beside it',
  });
}

function parse(text: string): Trust | undefined {
  try {
    const { issuing, trusted, retiring } = JSON.parse(text) as Partial<Trust>;
    const isName = (name: unknown): boolean => typeof name === 'string' && /^ca(?:-\d+)?$/u.test(name);
    const sound =
      isName(issuing) &&
      Array.isArray(trusted) &&
      trusted.length > 0 &&
      trusted.every(isName) &&
      (retiring === undefined || isName(retiring));
    return sound
      ? { issuing: issuing as string, trusted: trusted as string[], ...(retiring === undefined ? {} : { retiring }) }
      : undefined;
  } catch {
    return undefined;
  }
}
