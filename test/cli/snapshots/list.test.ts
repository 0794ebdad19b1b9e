import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { listSnapshots } from '../../../src/cli/snapshots/list.js';
import { MANIFEST, writeSnapshot } from '../../../src/store/snapshot-file.js';
import { freshDirectory } from '../../support/directory.js';

describe('pgprov snapshot list', () => {
  const work = freshDirectory();
  const inventory = (): string => {
    writeFileSync(work.at('inventory.yml'), 'cluster: demo\nhosts: {pg1: 192.0.2.1}\n');
    return work.at('inventory.yml');
  };
  const store = (): string => work.at('.pgprov', 'demo');
  const take = async (at: string, place: { before?: string }, more: object): Promise<string> => {
    const manifest = {
      schema: 1,
      cluster: 'demo',
      at,
      by: 'ada@desk',
      operation: 'snapshot',
      form: 'full',
      files: {},
      missing: [],
      ...more,
    };
    const files = new Map([[MANIFEST, Buffer.from(JSON.stringify(manifest))]]);
    return (await writeSnapshot({ store: store(), ...place }, new Date(at), files)).file;
  };
  const printed = async (json = false): Promise<{ out: string; err: string }> => {
    const out = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    const err = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    expect(await listSnapshots(inventory(), { json })).toBe(0);
    return { out: out.mock.calls.map(([text]) => text).join(''), err: err.mock.calls.map(([text]) => text).join('') };
  };
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('says when and in which operation each was taken, what it has and what it lacks, the newest first', async () => {
    await take('2026-11-28T03:04:05.000Z', {}, { files: { 'dcs/keys.json': 5, 'hosts/pg1/a': 1, 'hosts/pg2/a': 1 } });
    await take(
      '2026-11-29T03:04:05.000Z',
      { before: 'recover' },
      {
        operation: 'recover',
        files: { 'hosts/pg1/a': 1 },
        missing: [
          { host: 'pg2', why: 'it is off' },
          { host: 'pg1', name: 'b', why: 'no' },
        ],
      },
    );
    writeFileSync(work.at('.pgprov', 'demo', 'snapshots', 'odd.tar.gz'), 'no archive');
    const { out, err } = await printed();
    const rows = out.split('\n').map((line) => line.trim().replaceAll(/ {2,}/gu, ' | '));
    expect(rows[0]).toMatch(/^taken \(UTC\) \| in \| by \| of \| Patroni’s keys \| files \| size \| lacks \| file$/u);
    expect(rows[1]).toMatch(
      /^2026-11-29 03:04:05 \| recover \| ada@desk \| pg1 \| no \| 1 \| \d+ B \| pg2, 1 file \| .*Z-before-recover\.tar\.gz$/u,
    );
    expect(rows[2]).toMatch(/^2026-11-28 03:04:05 \| snapshot \| ada@desk \| pg1, pg2 \| yes \| 3 \| \d+ B \| .*T030405Z\.tar\.gz$/u);
    expect(out).toMatch(/config edit \S+ --back-to \S+20261128T030405Z\.tar\.gz` goes back/u);
    expect(err).toMatch(/^warning: .*odd\.tar\.gz cannot be read: /u);
  });

  it('tells of what is no snapshot, and waits for no pipe', async () => {
    const snapshots = work.at('.pgprov', 'demo', 'snapshots');
    mkdirSync(snapshots, { recursive: true });
    execFileSync('mkfifo', [`${snapshots}/pipe.tar.gz`]);
    const manifests = ['null', 'no JSON', '{"at":"2026-11-29T03:04:05.000Z","files":{}}', '{"at":"then","files":{},"missing":[]}'];
    for (const [index, text] of manifests.entries())
      await writeSnapshot({ to: `${snapshots}/${index}.tar.gz` }, new Date(), new Map([[MANIFEST, Buffer.from(text)]]));
    const { out, err } = await printed();
    expect(out).toMatch(/^There is no snapshot of cluster demo yet/u);
    expect(err).toMatch(/pipe\.tar\.gz cannot be read: it is no file\n/u);
    expect(err.match(/\d\.tar\.gz cannot be read: it has no manifest\.json of a snapshot/gu)).toHaveLength(manifests.length);
  });

  it('gives scripts all that the manifests have', async () => {
    const file = await take('2026-11-29T03:04:05.000Z', { before: 'recover' }, {});
    expect(JSON.parse((await printed(true)).out)).toEqual([
      {
        file,
        bytes: expect.any(Number),
        automatic: true,
        schema: 1,
        cluster: 'demo',
        at: '2026-11-29T03:04:05.000Z',
        by: 'ada@desk',
        operation: 'snapshot',
        form: 'full',
        files: {},
        missing: [],
      },
    ]);
  });

  it('warns of a directory that it cannot read', async () => {
    mkdirSync(store(), { recursive: true });
    symlinkSync('snapshots', work.at('.pgprov', 'demo', 'snapshots'));
    const { out, err } = await printed();
    expect(err).toMatch(/^warning: .*\.pgprov\/demo\/snapshots cannot be read: ELOOP/u);
    expect(out).toMatch(/^There is no snapshot/u);
  });

  it('says where there is none', async () => {
    mkdirSync(store(), { recursive: true });
    expect((await printed()).out).toMatch(/^There is no snapshot of cluster demo yet; `pgprov snapshot .*` takes one\.\n$/u);
  });
});
