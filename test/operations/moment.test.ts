import { describe, expect, it } from 'vitest';
import { MOMENT_PATTERN, readMoment, utcText } from '../../src/operations/shared/moment.js';

describe('a time on the command line', () => {
  const now = new Date('2026-03-04T05:06:07.891Z');
  const matches = (text: string): boolean => new RegExp(`^(?:${MOMENT_PATTERN})$`, 'u').test(text);

  it.each([
    ['+30m', '2026-03-04T05:36:07+00:00'],
    ['+90s', '2026-03-04T05:07:37+00:00'],
    ['+1d', '2026-03-05T05:06:07+00:00'],
    ['2026-03-04T22:00Z', '2026-03-04T22:00:00+00:00'],
    ['2026-03-04 22:00:30+01:00', '2026-03-04T22:00:30+01:00'],
    ['2028-02-29T00:00-0330', '2028-02-29T00:00:00-03:30'],
  ])('%s', (text, moment) => {
    expect(matches(text)).toBe(true);
    expect(readMoment(text, now)).toBe(moment);
  });

  it.each(['2026-03-04T22:00', '22:00', 'tomorrow', '+30', '30m', '-30m', '2026-03-04'])(
    'is refused as %s, which lacks a zone or a day',
    (text) => {
      expect(matches(text)).toBe(false);
      expect(readMoment(text, now)).toBeUndefined();
    },
  );

  it.each([
    '2026-02-30T10:00Z',
    '2026-13-01T10:00Z',
    '2026-01-01T25:00Z',
    '2026-01-01T10:61Z',
    '2026-01-01T10:00+99:00',
    '2027-02-29T10:00Z',
  ])('is refused as %s, which does not exist', (text) => expect(readMoment(text, now)).toBeUndefined());

  it('is shown in UTC', () => {
    expect(utcText('2026-03-04T22:00:00+01:00')).toBe('2026-03-04 21:00:00 UTC');
  });
});
