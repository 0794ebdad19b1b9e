import { afterAll, describe, expect, it } from 'vitest';
import { UNENDING_COMMITS } from '../../src/resources/commits-end.js';
import { postgresBinaries, startServer, type RunningServer } from '../support/postgres.js';

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined)(
  binaries === undefined ? 'commitsEnd (skipped: no PostgreSQL on this machine)' : 'commitsEnd',
  () => {
    const servers: RunningServer[] = [];
    afterAll(() => {
      for (const server of servers) server.stop();
    });

    it('finds that commits would wait for standbys that are not there, and not where nothing waits', () => {
      const server = startServer(binaries ?? '');
      servers.push(server);
      const waits = (names: string): string[] =>
        server
          .query(
            `SET synchronous_commit = on; ${UNENDING_COMMITS.replace("current_setting('synchronous_standby_names')", `'${names}'::text`)}`,
          )
          .filter((line) => line !== 'SET');
      for (const names of ['gone', 'FIRST 1 (pg2, "pg-3")', 'any 2 (pg2, pg3)', '2 (*)', '*'])
        expect(waits(names)).toEqual([`@waits ${names}`]);
      for (const names of ['', ' ', 'ANY 0 (pg2)']) expect(waits(names)).toEqual([]);
      expect(server.query(UNENDING_COMMITS)).toEqual([]);
    });
  },
);
