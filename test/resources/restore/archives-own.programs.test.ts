import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archivesOwn } from '../../../src/resources/restore/archives-own.js';
import { POSTGRES_USER, postgresBinaries, startServer, makeCluster, type RunningServer } from '../../support/postgres.js';

const binaries = postgresBinaries();
const OWN = 'pgbackrest --stanza=copy archive-push %p';

describe.skipIf(binaries === undefined)('where a server that is down would archive', () => {
  let server: RunningServer;
  let resource: ReturnType<typeof archivesOwn>;
  const run = (script: string): { status: number | null; stdout: string } =>
    spawnSync('sh', ['-c', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  const isOwn = (): boolean => run(resource.probe({} as never).text).status === 0;
  /** What postgresql.conf and postgresql.auto.conf say. */
  const configured = (conf: string, auto = ''): void => {
    writeFileSync(join(server.data, 'postgresql.conf'), `${conf}\n`);
    writeFileSync(join(server.data, 'postgresql.auto.conf'), `${auto}\n`);
  };

  beforeAll(() => {
    const bin = binaries ?? '';
    server = startServer(bin, {}, (data) => makeCluster(bin, data));
    const local = { binDirectory: bin, socketDirectory: server.socket, port: 5432, user: POSTGRES_USER, home: '/' };
    resource = archivesOwn({ path: server.data, server: local, configDirectory: server.data, own: OWN });
  });

  afterAll(() => {
    server?.stop();
  });

  it('is told by its files, whichever of them says so', () => {
    configured(`archive_mode = on\narchive_command = '${OWN}'`);
    expect(isOwn()).toBe(true);
    configured("archive_mode = off\narchive_command = 'pgbackrest --stanza=demo archive-push %p'");
    expect(isOwn()).toBe(true);
    configured(`archive_mode = on\narchive_command = '${OWN}'`, "archive_command = 'pgbackrest --stanza=demo archive-push %p'");
    expect(isOwn()).toBe(false);
    const refused = run(resource.apply([], { done: false }).text);
    expect(refused.status).toBe(1);
    expect(refused.stdout).toContain('the server would archive with pgbackrest --stanza=demo archive-push %p');
    expect(refused.stdout).toContain(`${server.data}/postgresql.auto.conf`);
    configured("archive_mode = on\narchive_library = 'basic_archive'");
    expect(isOwn()).toBe(false);
  });

  it('is not known where its files cannot be read', () => {
    configured('archive_mode = nonsense');
    expect(isOwn()).toBe(false);
    expect(run(resource.apply([], { done: false }).text).status).toBe(1);
  });
});
