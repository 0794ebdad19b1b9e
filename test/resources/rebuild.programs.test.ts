import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../src/lib/secret.js';
import { formatLsn, lsnBytes } from '../../src/postgres/lsn.js';
import { dataAside } from '../../src/resources/data-aside.js';
import { dataCopy, type DataCopy } from '../../src/resources/data-copy.js';
import { patroniReinitialize } from '../../src/resources/patroni/reinitialize.js';
import { NOTHING_DONE } from '../../src/resources/resource.js';
import { freshDirectory, ME } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const work = freshDirectory();

/** A data directory as far as these look into one. */
function makeData(name = 'data'): string {
  mkdirSync(work.at(name, 'pg_tblspc'), { recursive: true });
  writeFileSync(work.at(name, 'PG_VERSION'), '17\n');
  writeFileSync(work.at(name, 'big'), Buffer.alloc(200_000, 1));
  return work.at(name);
}

describe('WAL locations', () => {
  it.each([
    ['0/0', 0n],
    ['0/5005420', 0x5005420n],
    ['1/5005420', 0x105005420n],
    ['FFFFFFFF/FFFFFFFF', 0xffffffffffffffffn],
  ] as const)('%s', (text, bytes) => {
    expect(lsnBytes(text)).toBe(bytes);
    expect(formatLsn(bytes)).toBe(text);
  });
});

describe('dataCopy', () => {
  inEveryShell(HOST_SHELLS, (shell) => {
    const see = (path = work.at('data')): Promise<DataCopy> => observe(shell, dataCopy(path));

    it('sees nothing when there is no data', async () => {
      const nothing = { identity: '', bytes: 0, fixed: undefined, aside: {} };
      expect(await see(work.at('a', 'b'))).toMatchObject(nothing);
      mkdirSync(work.at('data'));
      expect(await see()).toMatchObject({ identity: '', fixed: undefined, aside: {} });
    });

    it('recognises a copy after it was put aside, and distinguishes it from another one', async () => {
      makeData();
      const before = await see();
      expect(before.identity).toMatch(/^\d+-\d+$/u);
      expect(before.bytes).toBeGreaterThan(200_000);
      expect(before.free).toBeGreaterThan(0);
      renameSync(work.at('data'), work.at('data.aside-20261128T160000'));
      makeData();
      utimesSync(work.at('data', 'PG_VERSION'), 1, 1);
      const after = await see();
      expect(after.identity).not.toBe(before.identity);
      expect(after.aside).toEqual({ [before.identity]: work.at('data.aside-20261128T160000') });
      mkdirSync(work.at('foreign'));
      writeFileSync(work.at('foreign', 'x'), '');
      expect((await see(work.at('foreign'))).identity).toMatch(/^directory-\d+$/u);
    });

    it('sees what prevents renaming it', async () => {
      makeData();
      symlinkSync(work.at('data'), work.at('link'));
      expect((await see(work.at('link'))).fixed).toBe('is a symbolic link');
      symlinkSync('/tmp', work.at('data', 'pg_tblspc', '16400'));
      expect((await see()).fixed).toBe('has tablespaces, which are in other directories');
      expect((await see('/proc')).fixed).toBe('is a mount point');
    });
  });
});

describe('dataAside', () => {
  inEveryShell(HOST_SHELLS, (shell) => {
    const made = (
      identity: string,
      programs: Record<string, string> = {},
    ): { host: MadeUpHost; resource: ReturnType<typeof dataAside> } => {
      const host = new MadeUpHost({
        root: work.path,
        programs: { systemctl: ':', curl: 'printf 503', journalctl: 'echo its journal', runuser: 'shift 3; "$@"', ...programs },
      });
      const path = work.at('data');
      const options = { path, ownership: { ...ME, mode: '0700' }, unit: 'patroni', url: 'http://x', binDirectory: work.at('pg') };
      return { host, resource: host.resource(dataAside({ ...options, identity })) as ReturnType<typeof dataAside> };
    };
    const identityOf = async (): Promise<string> => (await observe(shell, dataCopy(work.at('data')))).identity;
    const asides = (): string[] => readdirSync(work.path).filter((name) => name.startsWith('data.aside-'));

    it('stops Patroni first, keeps the data whole, and leaves an empty directory', async () => {
      makeData();
      const identity = await identityOf();
      const { host, resource } = made(identity);
      const { changes, answer, left, after } = await bringAbout(shell, resource);
      expect(changes).toEqual([{ action: 'update', summary: `stop patroni, and put the data in ${work.at('data')} aside` }]);
      expect([answer?.status, left]).toEqual([0, []]);
      expect(host.calls('systemctl')).toEqual(['systemctl stop patroni']);
      expect(readdirSync(work.at('data'))).toEqual([]);
      expect(after.aside[identity]).toBe(work.at(asides()[0] ?? ''));
      expect(readFileSync(work.at(asides()[0] ?? '', 'PG_VERSION'), 'utf8')).toBe('17\n');
    });

    it('does nothing to another copy', async () => {
      makeData();
      expect((await bringAbout(shell, made('1-1').resource)).changes).toEqual([]);
    });

    it.each([
      { title: 'it leads by now', programs: { curl: 'printf 200' }, says: 'this member leads by now, and its data is not touched\n' },
      { title: 'Patroni does not stop', programs: { systemctl: 'exit 1' }, says: 'patroni did not stop; its last words:\nits journal\n' },
    ])('touches nothing when $title', async ({ programs, says }) => {
      makeData();
      const { resource } = made(await identityOf(), programs);
      const { answer, left } = await bringAbout(shell, resource);
      expect(answer).toEqual({ status: 1, words: says });
      expect(left).toHaveLength(1);
      expect(asides()).toEqual([]);
    });

    describe('with a server that Patroni has left running', () => {
      const serve = async (): Promise<ChildProcess> => {
        const server = spawn('sleep', ['60'], { cwd: makeData() });
        await once(server, 'spawn');
        writeFileSync(work.at('data', 'postmaster.pid'), `${server.pid}\n`);
        return server;
      };

      it('stops it', async () => {
        const server = await serve();
        mkdirSync(work.at('pg'));
        writeFileSync(work.at('pg', 'pg_ctl'), `#!/bin/sh\necho "$*" >${work.at('said')}\nkill ${server.pid}\nsleep 0.3\n`, {
          mode: 0o755,
        });
        const { answer, left } = await bringAbout(shell, made(await identityOf()).resource);
        expect([answer?.status, left]).toEqual([0, []]);
        expect(readFileSync(work.at('said'), 'utf8')).toBe(`stop -s -D ${work.at('data')} -m fast -t 300\n`);
      });

      it('touches nothing when it does not stop', async () => {
        const server = await serve();
        const { answer } = await bringAbout(shell, made(await identityOf()).resource);
        server.kill();
        expect(answer?.status).toBe(1);
        expect(answer?.words).toContain(`PostgreSQL did not stop, and still runs with ${work.at('data')}\n`);
        expect(asides()).toEqual([]);
      });
    });
  });
});

describe('patroniReinitialize', () => {
  inEveryShell(HOST_SHELLS, (shell) => {
    const bring = async (
      curl: string,
    ): Promise<{ status: number | undefined; words: string | undefined; left: number; request: string }> => {
      makeData();
      const host = new MadeUpHost({ root: work.path, programs: { curl, journalctl: 'echo its journal' } });
      const { identity } = await observe(shell, dataCopy(work.at('data')));
      const credentials = { user: 'patroni', password: new Secret('geheim') };
      const resource = host.resource(patroniReinitialize({ url: 'http://x:8008', path: work.at('data'), identity, ...credentials }));
      const { answer, left } = await bringAbout(shell, resource);
      return { status: answer?.status, words: answer?.words, left: left.length, request: host.calls('curl').join('\n') };
    };
    const removing = (answer: string): string => `(sleep 0.7; rm -r ${work.at('data')}) >/dev/null 2>&1 &\nprintf '${answer}'`;

    it('waits until the former data is gone', async () => {
      const { request, ...came } = await bring(removing('reinitialize started\\n200'));
      expect(came).toEqual({ status: 0, words: '', left: 0 });
      expect(request).toContain('-X POST');
      expect(request).toContain('http://x:8008/reinitialize');
      expect(request).not.toContain('geheim');
      expect(existsSync(work.at('data'))).toBe(false);
    });

    it('accepts a rebuild that is already under way', async () => {
      expect(await bring(removing('reinitialize already in progress\\n503'))).toMatchObject({ status: 0, left: 0 });
    });

    it('shows Patroni’s answer', async () => {
      expect(await bring("printf 'I am the leader, can not reinitialize\\n503'")).toMatchObject({
        status: NOTHING_DONE,
        words: 'Patroni did not begin to make the data anew: I am the leader, can not reinitialize (HTTP 503)\n',
        left: 1,
      });
      rmSync(work.at('data'), { recursive: true });
    });
  });
});
