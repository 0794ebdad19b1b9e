import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { runOperation } from '../../../src/cli/operations/operate.js';
import snapshot from '../../../src/operations/snapshot.js';
import { snapshotSteps } from '../../../src/operations/shared/snapshot-steps.js';
import type { Operation } from '../../../src/plan/operation.js';
import { HOSTS, onThreeHosts } from '../three-hosts.js';

const PAGE = 4096;
const PAGES = 32;

const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)(`a directory beside the inventory that takes nothing${isRoot ? '' : ' (skipped: only root mounts one)'}`, () => {
  onThreeHosts((three) => {
    let mounted: string | undefined;

    /** Gives the inventory's directory a file system of its own for what pgprov keeps there. */
    const mount = (): void => {
      mounted = three.at('.pgprov');
      mkdirSync(mounted);
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${PAGES * PAGE}`, 'tmpfs', mounted]);
      mkdirSync(three.at('.pgprov', 'demo'));
    };

    afterEach(() => {
      if (mounted !== undefined) execFileSync('umount', [mounted]);
      mounted = undefined;
    });

    /** An operation that begins with a snapshot, as recover does. */
    const sweep = (): Operation<object> => ({
      ...three.operation,
      remaining: (run) => {
        const { steps } = three.operation.remaining(run);
        return { steps: steps.length === 0 ? steps : [...snapshotSteps(run), ...steps] };
      },
    });
    const take = (operation: Operation<object>): ReturnType<typeof three.run> =>
      three.run((environment) => runOperation(operation, three.inventory, { yes: true }, environment));
    const left = (): string[] => HOSTS.filter((host) => three.has(host));
    const kept = (): string[] => readdirSync(three.at('.pgprov', 'demo'));

    it.each([0, 1, 2, 3, 4, 5, 6, 7])('with room for %d files has an operation change everything, or nothing and say why', async (room) => {
      three.give(...HOSTS);
      mount();
      writeFileSync(three.at('.pgprov', 'full'), Buffer.alloc((PAGES - room) * PAGE));
      const { exitCode, thrown, stderr, stdout } = await take(sweep());
      const said = `${stdout}${stderr}`;
      expect(said).not.toContain('defect');
      expect([exitCode, left()], said).toEqual(exitCode === 0 ? [0, []] : [2, HOSTS]);
      expect(kept().filter((name) => name !== 'runs' && name !== 'snapshots')).toEqual([]);
      if (exitCode !== 0 && thrown === undefined) expect(said).toContain('no space is left on its file system');
      if (thrown !== undefined) expect(thrown).toBe('file/not-writable');
    });

    it('has a snapshot say that it is full, or read-only', async () => {
      mount();
      writeFileSync(three.at('.pgprov', 'full'), Buffer.alloc(PAGES * PAGE));
      const full = await take(snapshot as Operation<object>);
      expect([full.exitCode, full.stdout]).toEqual([
        2,
        expect.stringMatching(/demo cannot be written: no space is left on its file system/u),
      ]);
      execFileSync('mount', ['-o', 'remount,ro', three.at('.pgprov')]);
      const readOnly = await take(snapshot as Operation<object>);
      expect([readOnly.exitCode, readOnly.stdout]).toEqual([
        2,
        expect.stringMatching(/demo cannot be written: its file system is read-only/u),
      ]);
      expect(kept()).toEqual([]);
    });
  });
});
