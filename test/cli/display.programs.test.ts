import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/lib/package-root.js';
import { freshDirectory } from '../support/directory.js';

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

type Where = 'full' | 'closed' | 'kept' | number;

/** Runs a module in a process of its own, whose streams are where they are said to be. */
async function run(file: string, { stdout, stderr, words = [] }: { stdout: Where; stderr: Where; words?: string[] }): Promise<Ended> {
  const full = openSync('/dev/full', 'w');
  const streams = [stdout, stderr].map((where) => (where === 'full' ? full : typeof where === 'number' ? where : ('pipe' as const)));
  const child = spawn(process.execPath, ['--import', 'tsx', file, ...words], { cwd: packageRoot(), stdio: ['ignore', ...streams] });
  closeSync(full);
  if (stdout === 'closed') child.stdout?.destroy();
  if (stderr === 'closed') child.stderr?.destroy();
  const kept = (stream: NodeJS.ReadableStream | null, where: Where): Promise<string> =>
    stream === null || where === 'closed' ? Promise.resolve('') : text(stream);
  const [out, err, code] = await Promise.all([
    kept(child.stdout, stdout),
    kept(child.stderr, stderr),
    new Promise<number | null>((resolve) => child.on('close', resolve)),
  ]);
  return { code, stdout: out, stderr: err };
}

const from = (module: string): string => JSON.stringify(`${packageRoot()}/${module}`);

describe('a stream that cannot be written to', () => {
  const work = freshDirectory();

  /** A process that writes to both streams again and again, and says in a file how it ended. */
  const writer = (): string => {
    const file = work.at('writes.mts');
    writeFileSync(
      file,
      `
      import { writeFileSync } from 'node:fs';
      const { keepGoing, lossOf } = await import(${from('src/cli/display.ts')});
      const { flush } = await import(${from('src/report/flush.ts')});
      const { stdout, stderr } = process;
      keepGoing('stdout', stdout);
      keepGoing('stderr', stderr);
      for (let round = 0; round < 5; round += 1) {
        stdout.write('out ' + round + '\\n');
        stderr.write('err ' + round + '\\n');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await Promise.all([flush(stdout), flush(stderr)]);
      writeFileSync(${JSON.stringify(work.at('end'))}, JSON.stringify([lossOf(stdout), lossOf(stderr)]));
    `,
    );
    return file;
  };
  const lost = (): unknown => JSON.parse(readFileSync(work.at('end'), 'utf8'));
  const FULL = { reason: 'ENOSPC: no space left on device', isGone: false, told: false };

  it.each<{ stdout: Where; stderr: Where; losses: unknown[]; printed: [string, string] }>([
    { stdout: 'kept', stderr: 'kept', losses: [null, null], printed: ['out 4', 'err 4'] },
    { stdout: 'full', stderr: 'kept', losses: [{ name: 'stdout', ...FULL }, null], printed: ['', 'err 4'] },
    { stdout: 'kept', stderr: 'full', losses: [null, { name: 'stderr', ...FULL }], printed: ['out 4', ''] },
    {
      stdout: 'full',
      stderr: 'full',
      losses: [
        { name: 'stdout', ...FULL },
        { name: 'stderr', ...FULL },
      ],
      printed: ['', ''],
    },
    { stdout: 'closed', stderr: 'kept', losses: [expect.objectContaining({ name: 'stdout', isGone: true }), null], printed: ['', 'err 4'] },
    { stdout: 'kept', stderr: 'closed', losses: [null, expect.objectContaining({ name: 'stderr', isGone: true })], printed: ['out 4', ''] },
  ])('ends nothing: stdout $stdout, stderr $stderr', async ({ stdout, stderr, losses, printed }) => {
    const ended = await run(writer(), { stdout, stderr });
    expect(ended.code, ended.stderr).toBe(0);
    expect(lost()).toEqual(losses);
    expect([ended.stdout, ended.stderr].map((all) => all.trimEnd().split('\n').at(-1))).toEqual(printed);
  });

  it('is noticed also where the disk took a part of a text, and what follows begins a line of its own', async () => {
    const file = work.at('part.mts');
    // A file may become so long only, as on a disk with so much room; then there is room again.
    writeFileSync(
      file,
      `
      import { ftruncateSync } from 'node:fs';
      const { keepGoing, lossOf } = await import(${from('src/cli/display.ts')});
      keepGoing('stdout', process.stdout);
      process.stdout.write('whole\\n' + 'x'.repeat(3_000_000) + '\\n');
      await new Promise((resolve) => setImmediate(resolve));
      const { reason } = lossOf(process.stdout) ?? {};
      ftruncateSync(1, 10);
      process.stdout.write('after\\n');
      process.stderr.write(String(reason));
    `,
    );
    const [script, output] = [work.at('part.sh'), work.at('output')];
    const words = [process.execPath, '--import', 'tsx', file, output].map((word) => `'${word}'`).join(' ');
    writeFileSync(script, `trap '' XFSZ\nulimit -f 2048\nexec ${words} >>'${output}'\n`);
    const child = spawn('bash', [script], { cwd: packageRoot(), stdio: ['ignore', 'ignore', 'pipe'] });
    const stderr = await text(child.stderr);
    expect(stderr).toMatch(/^EFBIG/u);
    expect(readFileSync(output, 'utf8')).toBe('whole\nxxxx\nafter\n');
  });
});

describe('an answer', () => {
  const work = freshDirectory();
  const program = (): string => {
    const file = work.at('cli.mts');
    writeFileSync(
      file,
      `const { runCli } = await import(${from('src/cli/main.ts')});\nprocess.exit(await runCli(process.argv.slice(2)));\n`,
    );
    return file;
  };

  it('that is not whole fails the command, and stderr says so', async () => {
    const { code, stderr } = await run(program(), { stdout: 'full', stderr: 'kept', words: ['schema'] });
    expect([code, stderr]).toEqual([
      1,
      'error: stdout cannot be written: ENOSPC: no space left on device; what was printed is not whole\n  → make room there, and give the command again\n',
    ]);
  });

  it.each<{ stdout: Where; stderr: Where; words: string[]; code: number }>([
    { stdout: 'closed', stderr: 'kept', words: ['schema'], code: 0 },
    { stdout: 'full', stderr: 'full', words: ['schema'], code: 1 },
    { stdout: 'kept', stderr: 'full', words: ['no-such-command'], code: 2 },
    { stdout: 'full', stderr: 'closed', words: ['no-such-command'], code: 2 },
    { stdout: 'closed', stderr: 'closed', words: ['--help'], code: 0 },
  ])('ends with its own exit code otherwise: $words, stdout $stdout, stderr $stderr', async ({ code, ...how }) => {
    const ended = await run(program(), how);
    expect([ended.code, ended.stderr]).toEqual([code, '']);
  });
});
