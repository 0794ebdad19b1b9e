import { createServer, type Server } from 'node:net';
import type { AddressInfo } from 'node:net';
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command } from '../../src/resources/command.js';
import { freeSpace } from '../../src/resources/free-space.js';
import { hostFacts } from '../../src/resources/host-facts.js';
import { ports } from '../../src/resources/ports.js';
import { reachability } from '../../src/resources/reachability.js';
import { sh, type Script } from '../../src/shell/quote.js';
import { freshDirectory, workplaces } from '../support/directory.js';
import { patience } from '../support/patience.js';
import { bringAbout, moved, observe, rewritten } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, isThere, SHELLS } from '../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });

/** A listener on a port that the system chose. */
function listener(): { readonly port: number } {
  let server: Server;
  const chosen = { port: 0 };
  beforeAll(async () => {
    server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    chosen.port = (server.address() as AddressInfo).port;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));
  return chosen;
}

/** A port that nobody listens on. */
async function closedPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('freeSpace', () => {
  const work = freshDirectory();

  it('reads blocks as bytes', () => {
    const paths = ['/var/lib/x', '/a b', '/var/y'];
    expect(freeSpace(paths).parse(answer('/var\n/a b\n/var\n3 4096 /var\n0 512 /a b\n3 4096 /var\n'))).toEqual({
      '/var/lib/x': 12_288,
      '/a b': 0,
      '/var/y': 12_288,
    });
  });

  it.each([
    { title: 'stat has an error', said: '/var\n/mnt\nstat: Stale file handle\n3 4096 /var\n', space: [12_288, 'stat: Stale file handle'] },
    { title: 'stat did not reach it', said: '/var\n/mnt\n', space: ['', ''] },
    { title: 'the host printed nothing', said: '', space: ['', ''] },
  ])('does not treat unknown as full when $title', ({ said, space }) =>
    expect(Object.values(freeSpace(['/var/lib/x', '/mnt/y']).parse(answer(said)))).toEqual(space),
  );

  inEveryShell(SHELLS, (shell) => {
    it('is reported for existing and for future paths', async () => {
      const paths = [work.path, work.at('not', 'yet', 'there'), '/', '/pgprov no such/x'];
      const seen = await observe(shell, freeSpace(paths));
      expect(Object.keys(seen)).toEqual(paths);
      for (const path of paths) expect(seen[path]).toBeGreaterThan(0);
      const [whole, part] = paths.map((path) => Number(seen[path])) as [number, number];
      // Others write to the same file system while stat asks for one after the other.
      expect(Math.abs(whole - part)).toBeLessThan(256 * 1024 * 1024);
    });

    it('has no answer for no paths', async () => expect(await observe(shell, freeSpace([]))).toEqual({}));
  });
});

describe('ports', () => {
  const server = listener();

  it('asks ss once for all ports', () => {
    expect(ports([5432, 2379, 5432]).probe().text).toContain("ss -Hltnp '( sport = :5432 or sport = :2379 )' 2>/dev/null");
  });

  it.each([
    { text: '', listeners: [] },
    {
      text: '0.0.0.0:5432\tusers:(("postgres",pid=7,fd=6),("postgres",pid=9,fd=6))\t0::/system.slice/patroni.service\n[::]:5432\tusers:(("postgres",pid=7,fd=7))\t0::/system.slice/patroni.service\n',
      listeners: [{ port: 5432, process: 'postgres', unit: 'patroni.service' }],
    },
    { text: '*:2379\t\t\n', listeners: [{ port: 2379, process: '', unit: '' }] },
    {
      text: '10.0.0.1:2379\tusers:(("etcd",pid=7,fd=6))\t1:name=systemd:/system.slice/etcd.service/x\n127.0.0.1:2379\tusers:(("nginx",pid=8,fd=6))\t\n',
      listeners: [
        { port: 2379, process: 'etcd', unit: 'etcd.service' },
        { port: 2379, process: 'nginx', unit: '' },
      ],
    },
  ])('reads $text', ({ text, listeners }) => expect(ports([1]).parse(answer(text))).toEqual(listeners));

  inEveryShell(SHELLS, (shell) => {
    it.skipIf(!isThere('ss'))('finds which process listens', async () => {
      const [found, ...others] = await observe(shell, ports([server.port, await closedPort()]));
      expect(others).toEqual([]);
      expect(found).toMatchObject({ port: server.port, process: expect.stringMatching(/./u) as string });
    });

    it('have no owner for no ports', async () => expect(await observe(shell, ports([]))).toEqual([]));
  });
});

describe('reachability', () => {
  const server = listener();
  const workplace = workplaces();

  it.each([
    { text: '10.0.0.1 5432 begun\nfd00::1 22 begun\nfd00::1 22 refused\n10.0.0.1 5432 open\n', results: ['open', 'refused'] },
    { text: '10.0.0.1 5432 begun\nfd00::1 22 begun\n10.0.0.1 5432 open\nquiet\n', results: ['open', 'filtered'] },
    // What was not tried is not known, nor what a host had no time to wait for.
    { text: '10.0.0.1 5432 begun\nquiet\n', results: ['filtered', 'unknown'] },
    { text: '10.0.0.1 5432 begun\nfd00::1 22 begun\nfd00::1 22 refused\n', results: ['unknown', 'refused'] },
    { text: '', results: ['unknown', 'unknown'] },
  ])('reads $text', ({ text, results }) => {
    const peers = [
      { address: '10.0.0.1', port: 5432 },
      { address: 'fd00::1', port: 22 },
    ];
    expect(reachability(peers).parse(answer(text))).toEqual(peers.map((peer, index) => ({ ...peer, result: results[index] })));
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    it('distinguishes an open port from a closed one and from an unresolvable name', async () => {
      const closed = await closedPort();
      const peers = [
        { address: '127.0.0.1', port: server.port },
        { address: '127.0.0.1', port: closed },
        { address: 'no-such-host.invalid', port: 1 },
        { address: '-e$(touch x)', port: 1 },
      ];
      const seen = await observe(shell, reachability(peers));
      const results = new Map(seen.map(({ address, port, result }) => [`${address}:${port}`, result]));
      expect(results.get(`127.0.0.1:${server.port}`)).toBe('open');
      expect(results.get(`127.0.0.1:${closed}`)).toBe('refused');
      // A name server that cannot be asked answers late, which looks like a filtered port.
      expect(['unresolved', 'filtered']).toContain(results.get('no-such-host.invalid:1'));
    });

    it('takes silence for a filter only once the host itself has time', { timeout: patience(60_000) }, async () => {
      const at = workplace();
      for (const name of ['filtered-1', 'slow-1']) execFileSync('mkfifo', [join(at, name)]);
      // A connection is a file here, and one without a writer keeps whoever opens it waiting.
      const files = (script: Script): Script => moved(script, '/dev/tcp/$1/$2', `${at}/$1-$2`);
      const own = ': <"/dev/tcp/127.0.0.1/1"';
      const busyOnce = (script: Script): Script => moved(script, own, `[ -e "${at}/seen" ] || { : >"${at}/seen"; sleep 3; }`);
      const looking = (busy: boolean, ...names: string[]): Promise<string[]> => {
        const asked = reachability(names.map((address) => ({ address, port: 1 })));
        const script = (body: Script): Script => files(busy ? busyOnce(body) : body);
        return observe(shell, rewritten(asked, script)).then((seen) => seen.map(({ result }) => result));
      };
      expect(await looking(false, 'filtered')).toEqual(['filtered']);
      const busy = looking(true, 'slow', 'filtered');
      // It answers in the time for which the host found itself busy.
      while (!existsSync(join(at, 'seen'))) await sleep(100);
      const answered = open(join(at, 'slow-1'), 'w');
      expect(await busy).toEqual(['open', 'filtered']);
      await (await answered).close();
    });

    it('has no answer for no peers', async () => expect(await observe(shell, reachability([]))).toEqual([]));
  });
});

describe('hostFacts', () => {
  it('reads the output of a host', () => {
    const text = 'os=debian\nversion=13\narchitecture=x86_64\nclock=1700000000.123456789\nsystemd=yes\nmemory=2048\n';
    expect(hostFacts().parse(answer(text))).toEqual({
      os: 'debian',
      version: '13',
      architecture: 'x86_64',
      clock: 1_700_000_000_123,
      systemd: true,
      memory: 2_097_152,
    });
  });

  it('accepts whole seconds and missing words', () => {
    expect(hostFacts().parse(answer('os=\nclock=1700000000.%N\nsystemd=no\nmemory=\n'))).toEqual({
      os: '',
      version: '',
      architecture: '',
      clock: 1_700_000_000_000,
      systemd: false,
      memory: 0,
    });
  });

  it('rejects an answer without a clock', () => expect(() => hostFacts().parse(answer('os=debian\n'))).toThrow(/host-facts/u));

  inEveryShell(SHELLS, (shell) => {
    it('reads this machine', async () => {
      const facts = await observe(shell, hostFacts());
      expect(facts.os).not.toBe('');
      expect(facts.memory).toBeGreaterThan(64 * 1024 * 1024);
      expect(Math.abs(facts.clock - Date.now())).toBeLessThan(5000);
    });
  });
});

describe('command', () => {
  const work = freshDirectory();

  inEveryShell(SHELLS, (shell) => {
    it('runs once', async () => {
      const path = work.at('done');
      const resource = command({ name: 'make', summary: 'make it', unless: sh`[ -e ${path} ]`, run: sh`: >${path}` });
      const { changes, left } = await bringAbout(shell, resource);
      expect(changes).toEqual([{ action: 'run', summary: 'make it' }]);
      expect(left).toEqual([]);
      expect((await bringAbout(shell, resource)).changes).toEqual([]);
    });

    it('still differs when it had no effect', async () => {
      writeFileSync(work.at('x'), '');
      const { answer: done, left } = await bringAbout(shell, command({ name: 'n', summary: 's', unless: sh`false`, run: sh`exit 3` }));
      expect(done?.status).toBe(3);
      expect(left).toHaveLength(1);
    });
  });
});
