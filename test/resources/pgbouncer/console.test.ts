import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { psqlOf } from '../../../src/resources/pgbouncer/console.js';
import { sh } from '../../../src/shell/quote.js';
import { consoleOf } from '../../../roles/shared/pgbouncer/config-file.js';
import { contextOf, inventoryOf } from '../../support/inventory.js';

describe('the psql for PgBouncer’s console', () => {
  const taken = (psql: readonly string[]): string =>
    execFileSync('sh', ['-c', sh`printf %s ${psqlOf({ psql })}`.text], { encoding: 'utf8' });

  it('is the first that is there, and no word where there is none', () => {
    expect(taken(['/nowhere/psql', '/bin/sh', '/bin/cat'])).toBe('/bin/sh');
    expect(taken(['/nowhere/psql', '/not there either/psql'])).toBe('');
  });

  it('is that of another major version where the one of the inventory is still to be installed', async () => {
    const { psql } = consoleOf(
      contextOf(
        await inventoryOf('cluster: demo\nhosts: {pg1: 10.0.0.1}\nroles: [base, pgdg, postgresql, pgbouncer]\npostgresql: {version: 17}\n'),
        'pg1',
      ),
    );
    expect(psql[0]).toBe('/usr/lib/postgresql/17/bin/psql');
    expect(psql).toContain('/usr/lib/postgresql/15/bin/psql');
  });
});
