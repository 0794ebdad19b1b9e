import { chmodSync, copyFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { upgradeReads } from '../../src/resources/upgrade/reads.js';
import { sharedDirectory } from '../support/directory.js';
import { patience } from '../support/patience.js';
import { postgresBinaries, POSTGRES_USER, startServer, type RunningServer } from '../support/postgres.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const binaries = postgresBinaries();

describe.skipIf(binaries === undefined || userInfo().uid !== 0)('what the programs of a new major read', () => {
  const parent = sharedDirectory();
  let server = undefined as RunningServer | undefined;
  const loaded = (): string => parent.at('loaded');
  const called = (): string => parent.at("call'ed");

  beforeAll(() => {
    chmodSync(parent.path, 0o777);
    const own = execFileSync(join(binaries ?? '', 'pg_config'), ['--pkglibdir'], { encoding: 'utf8' }).trim();
    copyFileSync(join(own, 'auto_explain.so'), `${loaded()}.so`);
    copyFileSync(join(own, 'lo.so'), `${called()}.so`);
    server = startServer(binaries ?? '', { shared_preload_libraries: `pg_prewarm, ${loaded()}`, work_mem: '5MB' });
    server.query(`CREATE FUNCTION managed() RETURNS trigger LANGUAGE C AS '${called().replaceAll("'", "''")}', 'lo_manage'`);
  }, patience(60_000));
  afterAll(() => server?.stop());

  inEveryShell(HOST_SHELLS, (shell) => {
    const ask = async (): Promise<object> => {
      const of = { binDirectory: binaries ?? '', socketDirectory: server?.socket ?? '', port: 5432, user: POSTGRES_USER, home: '/' };
      const majors = [
        { version: 15, path: server?.data ?? '', server: of },
        { version: 17, path: join(parent.path, 'new'), server: of },
      ];
      return observe(shell, upgradeReads(majors as never, 17));
    };

    it('is all that is there, and then not the libraries that are gone', { timeout: patience(60_000) }, async () => {
      expect(await ask()).toEqual({ asked: true, settings: {}, libraries: {} });
      for (const library of [loaded(), called()]) rmSync(`${library}.so`);
      expect(await ask()).toEqual({
        asked: true,
        settings: {},
        libraries: Object.fromEntries(
          [loaded(), called()].map((name) => [name, `could not access file "${name}": No such file or directory`]),
        ),
      });
    });
  });
});
