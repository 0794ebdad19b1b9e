import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeMembers, must, sql } from '../integration/support/outside.js';
import { pgprov, start, type Finished } from '../integration/support/pgprov.js';
import { placesOf } from '../integration/support/places.js';
import { RestorableCluster } from '../integration/support/restorable-cluster.js';
import type { LabHost } from '../lab/index.js';
import { patience } from '../support/patience.js';

const { data: DATA } = placesOf('debian13');

/** What others do to a cluster while a restore of it is not finished. */
describe('a restore that others meddle with', () => {
  let restorable: RestorableCluster;
  let pg1: LabHost;
  let pg2: LabHost;

  const restore = (...words: string[]): Promise<Finished> => pgprov('restore', restorable.cluster.file, ...words, '--yes');
  const expectStreaming = async (): Promise<void> => {
    const states = async (): Promise<string[]> =>
      (await describeMembers(pg2).catch(() => [])).map((line) => line.split(' ').slice(1).join(' ')).sort();
    await expect.poll(states, { timeout: patience(180_000) }).toEqual(['Leader running', 'Replica streaming', 'Replica streaming']);
  };
  /** Restores to now, and gives the time in milliseconds from which on rows are gone. */
  const restored = async (): Promise<number> => {
    const time = await sql(pg1, 'select clock_timestamp()');
    const at = Date.now();
    const waits = await restore('--time', time);
    expect(waits.code, waits.all).toBe(1);
    expect(waits.all).toContain(`\`pgprov restore ${restorable.cluster.file} --approve\` lets clients in`);
    expect(waits.all).toContain(`\`pgprov restore ${restorable.cluster.file} --undo\` brings back`);
    return at;
  };

  beforeAll(async () => {
    restorable = await RestorableCluster.start();
    [pg1, pg2] = [restorable.cluster.host('pg1'), restorable.cluster.host('pg2')];
  });

  afterAll(async () => {
    await restorable?.remove();
  });

  it('is not given up, lets nobody in who was started by hand, and is taken back with every row, also after it was killed', async () => {
    await restored();
    const forgotten = await restore('--give-up');
    expect(forgotten.code, forgotten.all).toBe(2);
    expect(forgotten.all).toContain('that is --undo here');
    for (const host of [pg2, pg1]) await must(host, 'systemctl start patroni');

    const killed = start(['restore', restorable.cluster.file, '--undo', '--yes', '--output', 'plain']);
    await killed.printed(/put the data in .* back/u);
    killed.process.kill('SIGKILL');
    await killed.finished;
    const late = await restore('--approve');
    expect(late.code, late.all).toBe(2);
    expect(late.all).toContain('is being taken back (--undo), so --approve comes too late');

    const { code, all } = await restore();
    expect(code, all).toBe(0);
    await expectStreaming();
    expect(await restorable.writer.lost([])).toEqual([]);
  });

  it('is left alone from another machine, which knows of it by what the hosts have noted', async () => {
    const other = await mkdtemp(join(tmpdir(), 'pgprov-other-'));
    await cp(restorable.cluster.directory, other, { recursive: true });
    await restored();
    try {
      for (const words of [['apply'], ['start'], ['recover'], ['restore', '--latest']]) {
        const [command = '', ...options] = words;
        const { code, all } = await pgprov(command, join(other, 'inventory.yml'), ...options, '--yes');
        expect(code, all).toBe(4);
        expect(all).toContain('pg1 has data of a restore that is not finished');
      }
    } finally {
      await rm(other, { recursive: true, force: true });
    }
    await must(pg1, 'test -S /run/pgprov-restored/.s.PGSQL.5432 && ! systemctl is-active patroni');
    const { code, all } = await restore('--undo');
    expect(code, all).toBe(0);
    await expectStreaming();
    expect(await restorable.writer.lost([])).toEqual([]);
  });

  it('keeps what clients have written since they were let in, where the member that restored has copied its data anew', async () => {
    const from = await restored();
    const killed = start(['restore', restorable.cluster.file, '--approve', '--yes', '--output', 'plain']);
    await killed.printed(/restore\/others/u);
    killed.process.kill('SIGKILL');
    await killed.finished;
    const letIn = Date.now() + 2000;
    for (const host of restorable.cluster.hosts) await must(host, 'systemctl start patroni');
    await expectStreaming();
    const switched = 'patronictl -c /etc/patroni/config.yml switchover demo --leader pg1 --candidate pg2 --force';
    await must(pg2, `${switched} && sleep 5 && patronictl -c /etc/patroni/config.yml reinit demo pg1 --force --wait`);
    await expectStreaming();
    await restorable.writer.ask('select 1');

    const undone = await restore('--undo');
    expect(undone.code, undone.all).toBe(4);
    expect(undone.all).toContain('clients may have written since, so it is not taken back');
    // It was not taken up, so the restore is gone on with.
    const { code, all } = await restore();
    expect(code, all).toBe(0);
    expect(await must(pg1, `ls -d ${DATA}.aside-*`)).not.toBe('');
    await expectStreaming();
    expect(await restorable.writer.lost([{ from: from - 1000, to: letIn }])).toEqual([]);
  });
});
