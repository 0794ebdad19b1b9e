import { describe, expect, it } from 'vitest';
import type { DcsKeys } from '../../src/resources/dcs.js';
import { dynamicConfigWritten } from '../../src/resources/dynamic-config-written.js';
import { sh } from '../../src/shell/quote.js';

const keys = { put: (_key: string, value: string, revision: string) => sh`put ${value} ${revision}` } as unknown as DcsKeys;
const shown = { ttl: 30, check_timeline: false };

const script = (current: Record<string, number | boolean>, more: { shown?: typeof shown } = { shown }): string =>
  dynamicConfigWritten({ keys, patch: { check_timeline: true }, summary: '', ...more }).apply([], { current, revision: '7' }).text;

describe('the dynamic configuration that is written', () => {
  it('keeps what others have set since it was shown', () => {
    expect(script({ ...shown, ttl: 40 })).toBe(`put '{"ttl":40,"check_timeline":true}' 7`);
  });

  it('is not written over another value than the one that was shown', () => {
    const other = { ttl: 30, check_timeline: 5 };
    expect(script(other)).toBe("echo 'somebody else changed check_timeline at the same moment; run this again'\nexit 113");
    expect(script(other, {})).toContain('put ');
  });
});
