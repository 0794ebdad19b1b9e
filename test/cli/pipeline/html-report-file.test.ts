import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Invocation } from '../../../src/cli/pipeline/invocation.js';
import { openReport, reported } from '../../../src/cli/pipeline/html-report-file.js';
import { RunClock } from '../../../src/cli/pipeline/timings.js';
import { LockedError } from '../../../src/lib/errors.js';
import { packageRoot } from '../../../src/lib/package-root.js';
import { Secret } from '../../../src/lib/secret.js';
import { failingRun } from '../../report/fixtures.js';
import { freshDirectory } from '../../support/directory.js';

const work = freshDirectory();
const WORDS: Invocation = { cluster: 'demo', command: 'apply', by: 'ann@laptop', version: '1.2.3', inventory: '/home/ann/inventory.yml' };

/** Reports a run of some events that ends so; gives the page. */
async function report(end: () => Promise<0 | 1>, events = failingRun()): Promise<{ page: string; result: unknown }> {
  const path = work.at('run.html');
  const clock = new RunClock({ report: path });
  const result = await reported(await openReport(path), { words: WORDS, clock, told: false }, () => {
    const emit = clock.listen(() => undefined);
    for (const event of events) emit(event);
    return end();
  }).catch((error: unknown) => error);
  return { page: readFileSync(path, 'utf8'), result };
}

describe('--report', () => {
  it('writes a page that only its owner can read, and nothing else', async () => {
    const { page, result } = await report(async () => 1);
    expect(result).toBe(1);
    expect(page).toContain('Failed: pg2 (45 s)');
    expect(page).toMatch(/<dt>Exit code<\/dt><dd>1<\/dd>[\s\S]*<dt>pgprov<\/dt><dd>1\.2\.3<\/dd>/u);
    expect(statSync(work.at('run.html')).mode & 0o777).toBe(0o600);
    expect(readdirSync(work.path)).toEqual(['run.html']);
  });

  it('writes it also when the run throws', async () => {
    const error = new LockedError({ kind: 'lock/held', message: 'another run is working on this cluster', hint: 'wait until it is done' });
    const { page, result } = await report(() => Promise.reject(error), []);
    expect(result).toBe(error);
    expect(page).toContain('another run is working on this cluster');
    expect(page).toContain('<dt>Exit code</dt><dd>5</dd>');
  });

  it('contains no secret', async () => {
    const secret = new Secret('s3cr3t-of-the-page');
    const { page } = await report(async () => 1, [...failingRun(), { type: 'note', host: 'pg1', text: `saw ${secret.reveal()}` }]);
    expect(page).not.toContain(secret.reveal());
    expect(page).toContain('saw ***');
  });

  it('writes it when the process leaves at once', () => {
    const path = work.at('left.html');
    const script = work.at('leave.mts');
    const from = (module: string): string => JSON.stringify(`${packageRoot()}/${module}`);
    writeFileSync(
      script,
      `
      const { openReport, reported } = await import(${from('src/cli/pipeline/html-report-file.ts')});
      const { RunClock } = await import(${from('src/cli/pipeline/timings.ts')});
      const clock = new RunClock({ report: 'x' });
      clock.listen(() => undefined)({ type: 'run-start', command: 'apply', cluster: 'demo', hosts: ['pg1'], stages: [] });
      await reported(await openReport(${JSON.stringify(path)}), { words: ${JSON.stringify(WORDS)}, clock, told: false }, () => process.exit(130));
    `,
    );
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', script], { cwd: packageRoot(), encoding: 'utf8' });
    expect([status, stderr]).toEqual([130, '']);
    expect(readFileSync(path, 'utf8')).toContain('Not finished (interrupted)');
  });

  it('does not change the exit code when the page cannot be written in the end', async () => {
    mkdirSync(work.at('gone'));
    const path = work.at('gone', 'run.html');
    const file = await openReport(path);
    rmSync(work.at('gone'), { recursive: true });
    const clock = new RunClock({ report: path });
    expect(await reported(file, { words: WORDS, clock, told: false }, async () => 0)).toBe(0);
    expect(existsSync(path)).toBe(false);
    // From a journal nothing else comes of it, so there it is an error.
    expect(() => file?.write(WORDS, [], { exitCode: 0, ending: 'done' })).toThrow(expect.objectContaining({ kind: 'report/unwritten' }));
  });

  it.each([
    ['a directory', () => work.path],
    ['a file in a missing directory', () => work.at('no', 'run.html')],
    [
      'a path below a file',
      () => {
        writeFileSync(work.at('file'), '');
        return work.at('file', 'run.html');
      },
    ],
    [
      'a dangling link',
      () => {
        symlinkSync(work.at('no', 'where'), work.at('link'));
        return work.at('link', 'run.html');
      },
    ],
    ['a device', () => '/dev/null'],
  ])('refuses %s before anything is done', async (_what, path) => {
    await expect(openReport(path())).rejects.toMatchObject({ kind: 'report/unwritable', exitCode: 2 });
  });
});
