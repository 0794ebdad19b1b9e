import { describe, expect, it } from 'vitest';
import { aimOptions, aimWords, readTime } from '../../../src/operations/shared/restore/target.js';

describe('the end of a restore', () => {
  it.each([
    ['2026-11-29 05:00:00', '2026-11-29 05:00:00+00'],
    ['2026-11-29T05:00', '2026-11-29 05:00:00+00'],
    ['2026-11-29 05:00:00.123456+00', '2026-11-29 05:00:00.123456+00'],
    ['2026-11-29 00:30:00+01:00', '2026-11-28 23:30:00+00'],
    ['2026-11-29 23:30:00.5 -0130', '2026-11-30 01:00:00.5+00'],
    ['2026-02-30 05:00:00', undefined],
    ['2026-11-29 25:00:00', undefined],
    ['yesterday', undefined],
  ])('reads the time %s', (given, read) => expect(readTime(given)?.text).toBe(read));

  it('is given to pgBackRest, with the timeline that is followed', () => {
    expect(aimOptions({ time: '2026-11-29 05:00:00+01' }, 4, 3)).toEqual([
      '--type=time',
      '--target=2026-11-29 04:00:00+00',
      '--target-action=promote',
      '--target-timeline=4',
    ]);
    expect(aimOptions({ xid: '761', backup: 'B' }, 4, 4)).toEqual([
      '--type=xid',
      '--target=761',
      '--target-action=promote',
      '--target-timeline=current',
    ]);
    expect(aimOptions({ latest: true }, 4, 4)).toEqual(['--type=default', '--target-timeline=current']);
    expect(aimOptions({ backup: 'B' }, 3, 3)).toEqual([
      '--type=immediate',
      '--target-action=promote',
      '--recovery-option=recovery_target_timeline=current',
    ]);
  });

  it('is told in words', () => {
    expect(aimWords({ time: '2026-11-29T05:00:00+01' })).toBe('2026-11-29 04:00:00 UTC');
    expect(aimWords({ name: 'before', backup: 'B' })).toBe('the restore point "before"');
    expect(aimWords({ backup: 'B' })).toBe('the end of backup B');
    expect(aimWords({ backup: 'B', latest: true })).toBe('the last commit that is archived');
  });
});
