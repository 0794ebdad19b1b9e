import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { systemReason } from '../../src/lib/system-reason.js';

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

it.each([
  { title: 'a missing file', error: thrownBy(() => readFileSync('/nowhere/x')), says: 'there is no such file' },
  { title: 'a directory', error: thrownBy(() => readFileSync('/')), says: 'it is a directory' },
  {
    title: 'a code without words',
    error: Object.assign(new Error("EBUSY: resource busy or locked, open '/x'"), { code: 'EBUSY' }),
    says: 'resource busy or locked',
  },
  { title: 'another error', error: new Error('it is there already, and no file'), says: 'it is there already, and no file' },
])('says why without codes: $title', ({ error, says }) => expect(systemReason(error)).toBe(says));
