import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PENDING_QUERY } from '../../../src/resources/streaming/pending-values.js';
import { patience } from '../../support/patience.js';
import { postgresBinaries, startServer, type RunningServer } from '../../support/postgres.js';

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)('what waits for a restart', () => {
  let server: RunningServer;

  beforeAll(() => {
    server = startServer(binaries ?? '');
  });

  afterAll(() => {
    server?.stop();
  });

  it('is told with what is in force and what the last of the files says', async () => {
    expect(server.query(PENDING_QUERY)).toEqual([]);
    appendFileSync(join(server.data, 'postgresql.conf'), "max_connections = 120\nshared_buffers = '64MB'\nwork_mem = '5MB'\n");
    server.query("ALTER SYSTEM SET max_connections = '150'");
    server.query('SELECT pg_reload_conf()');
    const pending = (): unknown[] => server.query(PENDING_QUERY).map((row) => JSON.parse(row) as unknown);
    await expect.poll(pending, { timeout: patience(10_000) }).toEqual([
      { name: 'max_connections', from: '100', to: '150' },
      { name: 'shared_buffers', from: '128MB', to: '64MB' },
    ]);
  });
});
