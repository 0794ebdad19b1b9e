import { describe, expect, it } from 'vitest';
import { checkNames, limitsOf } from '../../../src/cli/status/check-options.js';

describe('what a monitoring system asks for', () => {
  it('is some checks, in their own order, or all', () => {
    expect(checkNames('certs, lag')).toEqual(['lag', 'certs']);
    expect(checkNames('all')).toContain('backup');
    expect(() => checkNames('lags')).toThrow(/--check/u);
  });

  it('has limits in bytes and in time', () => {
    expect(limitsOf('--warning')('lag=64MiB,certs=30d, backup=26h')).toEqual({ lag: 64 * 2 ** 20, certs: 30 * 86_400, backup: 26 * 3600 });
    expect(limitsOf('--warning')('lag=1.5GB')).toEqual({ lag: 1_500_000_000 });
    for (const wrong of ['lag', 'lag=', 'lag=4', 'lag=4XB', 'members=1', 'certs=soon'])
      expect(() => limitsOf('--critical')(wrong)).toThrow(/--critical/u);
  });
});
