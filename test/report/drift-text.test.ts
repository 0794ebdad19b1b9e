import { describe, expect, it } from 'vitest';
import { renderUnwell } from '../../src/report/drift-text.js';

describe('what diff says besides differences', () => {
  it('is what is not well with services, as wide as the terminal', () => {
    const services = [
      { host: 'pg1', role: 'backup', level: 'problem' as const, text: 'WAL cannot be archived for 10 minutes' },
      { host: 'repo1', role: 'backup-repository', level: 'warning' as const, text: 'there is no backup yet' },
    ];
    expect(renderUnwell(services, { color: false, columns: 40 })).toBe(`
No difference from the inventory, and not well:
✖ pg1: backup: WAL cannot be archived
  for 10 minutes
! repo1: backup-repository: there is no
  backup yet`);
  });
});
