import type { Seen } from './look.js';

/** Fields that move all the time on a cluster that is used. */
const MOVING = /(?:bytes|lag|seconds|daysleft|location|position|lsn|size|revision|since)$/iu;

/** Amounts in sentences, which move likewise. */
const AMOUNT = /\d[\d.,]*\s?(?:[kMGT]?i?B|bytes?|ms|s|min|h|days?)\b/gu;

/** What of a look tells whether something has changed: all but the amounts that move by themselves. */
export function essence({ status, problems, exitCode }: Seen): string {
  return JSON.stringify({ status, problems, exitCode }, (key, value: unknown) => {
    if (MOVING.test(key)) return undefined;
    return typeof value === 'string' ? value.replace(AMOUNT, '#') : value;
  });
}
