import { describe, expect, it } from 'vitest';

import { faultyPgdg, MIRROR_NAMES, PGDG_URL, YUM_KEY_URL, YUM_URL } from './sites.js';

describe('the addresses of the lab', () => {
  it('are those of the apt repository unless the other family is asked for', () => {
    expect(faultyPgdg('badsig')).toBe('https://badsig.lab/pub/repos/apt');
    expect(faultyPgdg('badsig', 'debian')).toBe('https://badsig.lab/pub/repos/apt');
    expect(faultyPgdg('wrongrpm', 'el')).toBe('https://wrongrpm.lab/pub/repos/yum');
    expect(faultyPgdg('down', 'el')).toBe('https://down.lab/pub/repos/yum');
  });

  it('are all in the certificate of the mirror', () => {
    const faults = (['unsigned', 'badsig', 'wrongkey', 'wrongrpm'] as const).map((fault) => faultyPgdg(fault, 'el'));
    for (const url of [PGDG_URL, YUM_URL, YUM_KEY_URL, ...faults]) expect(MIRROR_NAMES).toContain(new URL(url).hostname);
  });
});
