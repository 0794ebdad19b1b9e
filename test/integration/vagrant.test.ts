import { existsSync } from 'node:fs';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEPTH, sample } from '../support/depth.js';
import { isThere } from '../support/shells.js';
import { LAB_ID } from '../lab/index.js';
import type { Finished } from './support/pgprov.js';
import { VagrantLab } from './support/vagrant.js';

/** Of its own for each checkout, for two may be tested side by side. */
const NETWORK = `10.214.${Number.parseInt(LAB_ID, 16) % 256}`;

/** The machines of each run of pgprov that an output tells of. */
function runs({ all }: Finished): string[] {
  return [...all.matchAll(/Running pgprov for ([\w, ]*)/gu)].map(([, names = '']) => names);
}

interface Status {
  leader?: string;
  members: { name: string; state?: string; address: string }[];
}

/** Vagrant itself takes most of the time here, so one of these comes with each day's seed, and all in the matrix. */
const LATER = sample(
  [
    'a machine that does not come up',
    'one machine',
    'a run that failed',
    'a halted machine',
    'without the plugin',
    'anew after destroy',
  ] as const,
  1,
  'vagrant',
);

/** Every test goes on with what the one before it left, as a person at work does. */
describe.skipIf(!isThere('vagrant'))(
  `a Vagrant lab (${DEPTH})${isThere('vagrant') ? '' : ' (skipped: Vagrant is not among the packages of this system)'}`,
  () => {
    let lab: VagrantLab;

    beforeAll(async () => {
      lab = await VagrantLab.make('debian13', NETWORK);
    });

    afterAll(async () => {
      await lab?.remove();
    });

    async function status(): Promise<{ code: number | null; status: Status }> {
      const { code, stdout } = await lab.pgprov('status', '--vagrant', '--json');
      return { code, status: JSON.parse(stdout) as Status };
    }

    if (LATER.includes('a machine that does not come up')) {
      it('is not provisioned when a machine does not come up', async () => {
        await lab.write(
          'config.vm.define("pg3") { |node| node.vm.provider(:docker) { |docker| docker.create_args = ["--there-is-none"] } }',
        );
        const up = await lab.vagrant('up');
        expect(up.all).toContain('pgprov: not run, for the vagrant command failed');
        expect([up.code, runs(up)], up.all).toEqual([1, []]);
      });
    }

    it('becomes a cluster by vagrant up, when its slowest machine is up', async () => {
      await lab.write('config.vm.define("pg3") { |node| node.vm.provision "slow", type: :shell, inline: "sleep 6; echo this was slow" }');
      const up = await lab.vagrant('up');
      expect([up.code, runs(up)], up.all).toEqual([0, ['pg1, pg2, pg3']]);
      expect(up.all.indexOf('Running pgprov')).toBeGreaterThan(up.all.indexOf('pg3: this was slow'));
      const { code, status: found } = await status();
      expect([code, found.leader]).toEqual([0, 'pg1']);
      // Where the members meet, not where SSH gets in.
      expect(found.members.map(({ name, address }) => `${name} ${address}`)).toEqual(
        [1, 2, 3].map((number) => `pg${number} ${NETWORK}.1${number}`),
      );
    });

    it('keeps its inventory, which works like any other and is readable by its owner alone', async () => {
      expect(await readFile(lab.kept('inventory.yml'), 'utf8')).toContain(`cluster_address: ${NETWORK}.13`);
      for (const name of ['inventory.yml', 'lab.json', 'machines.json', 'known_hosts']) {
        expect([name, (await stat(lab.kept(name))).mode & 0o077]).toEqual([name, 0]);
      }
      expect((await lab.pgprov('plan', '--detailed-exitcode', lab.kept('inventory.yml'))).code).toBe(0);
    });

    it('is left alone by a second vagrant up', async () => {
      const up = await lab.vagrant('up');
      expect([up.code, runs(up)], up.all).toEqual([0, []]);
    });

    if (LATER.includes('one machine')) {
      it('has one machine provisioned when one is named, in colour on a terminal', async () => {
        const provision = await lab.vagrantAtTerminal('provision', 'pg2');
        expect([provision.code, runs(provision)], provision.all).toEqual([0, ['pg2']]);
        expect(provision.all).toMatch(/\u001b\[32mok=\d+/u);
        expect(provision.all).not.toMatch(/^\W*pg1\W+connected/mu);
      });
    }

    if (LATER.includes('a run that failed')) {
      it('is tried again by vagrant up after a run that failed, and Vagrant fails with it', async () => {
        await writeFile(join(lab.directory, 'inventory.yml'), 'cluster: another\n');
        const provision = await lab.vagrant('provision', 'pg2');
        expect([provision.code, runs(provision)], provision.all).toEqual([4, ['pg2']]);
        expect(provision.all).toContain('pg2 is a member of the cluster lab');
        await writeFile(join(lab.directory, 'inventory.yml'), 'postgresql: {parameters: {work_mem: 8MB}}\n');
        const interrupted = await lab.vagrantInterrupted(/surveyed/u, 'provision', 'pg1');
        expect([interrupted.code, runs(interrupted)], interrupted.all).toEqual([130, ['pg1, pg2']]);
        const up = await lab.vagrant('up');
        expect([up.code, runs(up)], up.all).toEqual([0, ['pg1, pg2']]);
        const show = await lab.pgprov('show', '--vagrant', '--host', 'pg3');
        expect(show.stdout).toMatch(/work_mem +8MB +inventory\.yml:1:\d+/u);
        await rm(join(lab.directory, 'inventory.yml'));
      });
    }

    if (LATER.includes('a halted machine')) {
      it('continues without a halted machine, and includes it again when it is up', async () => {
        expect((await lab.vagrant('halt', 'pg3')).code).toBe(0);
        const down = await status();
        expect([down.code, down.status.members.map(({ state }) => state)]).toEqual([3, ['running', 'streaming', undefined]]);
        const provision = await lab.vagrant('provision');
        expect([provision.code, runs(provision)], provision.all).toEqual([0, ['pg1, pg2']]);
        const alone = await lab.pgprov('plan', '--vagrant');
        expect([alone.code, alone.stderr.trim()]).toEqual([0, 'note: pg3 is not running, and left out']);
        const up = await lab.vagrant('up', 'pg3', '--provision');
        expect([up.code, runs(up)], up.all).toEqual([0, ['pg3']]);
      });
    }

    if (LATER.includes('without the plugin')) {
      it('is also found without the plugin: through Vagrant, and through an ssh-config', async () => {
        await rm(lab.kept('lab.json'));
        await rm(lab.kept('machines.json'));
        await writeFile(join(lab.directory, 'ssh'), (await lab.vagrant('ssh-config')).stdout);
        for (const way of [['--vagrant'], ['--ssh-config', 'ssh']]) {
          const show = await lab.pgprov('show', ...way);
          expect(show.stdout, show.stderr).toContain(`pg3  pg3, cluster address ${NETWORK}.13\n`);
        }
      });
    }

    it('is gone after vagrant destroy', async () => {
      expect((await lab.vagrant('destroy', '--force')).code).toBe(0);
      expect(await lab.traces()).toEqual([]);
      expect(existsSync(lab.kept())).toBe(false);
      const none = await lab.pgprov('status', '--vagrant');
      expect([none.code, none.stderr]).toEqual([2, expect.stringContaining('no machine of')]);
    });

    if (LATER.includes('anew after destroy')) {
      it('leaves nothing for the next one', async () => {
        const up = await lab.vagrant('up', 'pg1');
        expect([up.code, runs(up)], up.all).toEqual([0, []]);
        expect(up.all).toContain('not run yet: of pg1, pg2, pg3 only pg1 is up');
        const ping = await lab.pgprov('ping', '--vagrant', '--host', 'pg1');
        expect([ping.code, ping.stdout], ping.all).toEqual([0, expect.stringContaining('new in')]);
      });
    }
  },
);
