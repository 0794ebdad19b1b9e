import { describe, expect, it } from 'vitest';
import { Session } from '../../src/engine/session.js';
import { WriteGapMeter, type SeenGap } from '../../src/engine/write-gap.js';
import { COMMITTED } from '../../src/resources/write-probe.js';
import { sh, type Script } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { inventoryOf, THREE } from '../support/inventory.js';
import { Machines } from '../support/machines.js';
import { isThere } from '../support/shells.js';

const ready = isThere('dash');

describe.skipIf(!ready)(ready ? 'a write gap' : 'a write gap (skipped: no dash on this machine)', () => {
  const work = freshDirectory();

  /** Commits while a file is there that says so. */
  const whileThere = (file: string): Script => sh`( cat >/dev/null; : >${`${file}.over`} ) <&6 &
exec 6<&-
while [ ! -e ${`${file}.over`} ]; do [ ! -e ${file} ] || note ${COMMITTED}; sleep 0.02; done`;
  const dies = sh`exit 1`;
  const flag = (host: string): string => work.at(host, 'commits');

  /** Measures while hosts begin and cease to commit. */
  async function measured(
    probes: Record<string, Script>,
    {
      first = [],
      step = sh`:`,
      limits = {},
      abort,
    }: { first?: string[]; step?: Script; limits?: { before?: number; after?: number }; abort?: true },
  ): Promise<{ gap: SeenGap; machines: Machines; left: string[] }> {
    const { hosts } = await inventoryOf(THREE);
    const machines = new Machines(work.path);
    const sessions = new Map(await Promise.all(hosts.map(async (host) => [host.name, await Session.open(host, machines)] as const)));
    const on = async (script: Script): Promise<void> => void (await sessions.get('pg1')?.run([{ id: 'on', body: script, mode: 'step' }]));
    await on(sh`for host in ${first}; do : >${work.path}/$host/commits; done`);
    const interrupted = new AbortController();
    const meter = await WriteGapMeter.begin({
      sessions,
      probeOf: (host) => probes[host],
      signal: interrupted.signal,
      ...limits,
    });
    await on(step);
    if (abort === true) interrupted.abort();
    const gap = await meter.end();
    // A host without a database is sent no probe.
    const left = [...machines.sent].flatMap(([host, scripts]) => (scripts.some((text) => text.includes(COMMITTED)) ? [host] : []));
    await Promise.all([...sessions.values()].map((session) => session.close()));
    return { gap, machines, left };
  }

  const onTwo = (): Record<string, Script> => ({ pg1: whileThere(flag('pg1')), pg2: whileThere(flag('pg2')) });

  it('is the longest time between two commits, even if the first is on another host than the second', async () => {
    const step = sh`rm ${flag('pg1')}
sleep 1.5
: >${flag('pg2')}`;
    const { gap, left } = await measured(onTwo(), { first: ['pg1'], step });
    expect(gap).toEqual({ ms: expect.any(Number), from: 'pg1', to: 'pg2' });
    expect(left).toEqual(['pg1', 'pg2']);
  });

  it('does not count what was before the step, and may be almost zero', async () => {
    const { gap } = await measured(onTwo(), { first: ['pg1'] });
    expect(gap).toEqual({ ms: expect.any(Number), from: 'pg1', to: 'pg1' });
  });

  it('cannot be seen where nothing was committed before', async () => {
    const { gap } = await measured(onTwo(), { step: sh`: >${flag('pg2')}`, limits: { before: 100 } });
    expect(gap).toEqual({ to: 'pg2', unseen: 'no write succeeded before the step' });
  });

  it('cannot be seen when nothing was committed afterwards, and the wait for it has a limit', async () => {
    const { gap } = await measured(onTwo(), {
      first: ['pg1'],
      step: sh`rm ${flag('pg1')}
sleep 0.6`,
      limits: { after: 100 },
    });
    expect(gap).toEqual({
      from: 'pg1',
      unseen: expect.stringMatching(/^no write has succeeded in the \d+ s since the last commit on pg1$/u),
    });
  });

  it('is not waited for in a run that was interrupted', async () => {
    const { gap } = await measured(onTwo(), {
      first: ['pg1'],
      step: sh`rm ${flag('pg1')}
sleep 0.6`,
      limits: { after: 3_600_000 },
      abort: true,
    });
    expect(gap.unseen).toContain('since the last commit on pg1');
  });

  it('names hosts whose connection was lost', async () => {
    const { gap } = await measured({ ...onTwo(), pg3: dies }, { first: ['pg1'] });
    expect(gap).toEqual({ ms: expect.any(Number), from: 'pg1', to: 'pg1', lost: ['pg3'] });
    const alone = await measured({ pg3: dies }, {});
    expect(alone.gap).toEqual({ unseen: 'no host could be asked to commit: pg3: its connection was lost', lost: ['pg3'] });
  });

  it('cannot be seen without a database, or when nothing was ever committed', async () => {
    expect((await measured({}, {})).gap).toEqual({ unseen: 'no host with a database is connected' });
    expect((await measured(onTwo(), { limits: { before: 50, after: 50 } })).gap).toEqual({ unseen: 'no write succeeded on pg1, pg2' });
  });
});
