import { describe, expect, it } from 'vitest';
import type { Diagnosis, Examination } from '../../src/plan/diagnosis.js';
import type { Finding } from '../../src/lib/finding.js';
import { View } from '../../src/plan/view.js';
import { diagnosed } from '../../src/report/diagnosed.js';
import { doctorVerdict, renderDoctor } from '../../src/report/doctor-text.js';
import { inventoryOf, THREE } from '../support/inventory.js';

const NOW = Date.parse('2026-11-29T10:05:00Z');

const finding = (more: Partial<Finding> = {}): Finding => ({
  level: 'broken',
  what: 'it does not start',
  evidence: [],
  follows: 'nobody can write',
  mend: 'run `pgprov recover x.yml`',
  ...more,
});

const kind = (name: string, ...findings: Finding[]): Diagnosis => ({ name, looksAt: `the ${name}`, find: () => findings });

async function examination(unseen: [string, string][] = []): Promise<Examination> {
  return { view: new View(await inventoryOf(THREE), new Map()), now: NOW, unseen: new Map(unseen), gone: [], log: () => [] };
}

describe('what doctor found', () => {
  it('comes with the most important first, by level, then in the order of the diagnoses', async () => {
    const { findings } = diagnosed(
      [
        kind('later', finding({ level: 'notice' })),
        kind('soon', finding({ level: 'danger' })),
        kind('now', finding()),
        kind('also', finding()),
      ],
      await examination(),
      [],
    );
    expect(findings.map(({ diagnosis }) => diagnosis)).toEqual(['now', 'also', 'soon', 'later']);
  });

  it('has what merely follows below its cause, on the same host or in the whole cluster, and nowhere else', async () => {
    const { findings } = diagnosed(
      [
        kind('disk', finding({ host: 'pg2', explains: ['down'] })),
        kind('down', finding({ host: 'pg1', what: 'is down' }), finding({ host: 'pg2', what: 'is down' })),
      ],
      await examination(),
      [],
    );
    expect(findings.map(({ diagnosis, host, consequences }) => [diagnosis, host, consequences.length])).toEqual([
      ['disk', 'pg2', 1],
      ['down', 'pg1', 0],
    ]);
  });

  it('has what is about a unit below what explains that one, and not what is about another unit', async () => {
    const { findings } = diagnosed(
      [
        kind('quorum', finding({ explains: ['stopped/etcd'] })),
        kind('stopped', finding({ host: 'pg2', unit: 'etcd' }), finding({ host: 'pg2', unit: 'patroni' })),
      ],
      await examination(),
      [],
    );
    expect(findings.map(({ diagnosis, unit, consequences }) => [diagnosis, unit, consequences.length])).toEqual([
      ['quorum', undefined, 1],
      ['stopped', 'patroni', 0],
    ]);
  });

  it('has what follows at second hand below the first cause, and loses none of two that explain each other', async () => {
    const { findings } = diagnosed(
      [
        kind('down', finding({ host: 'pg2', explains: ['leader'] })),
        kind('disk', finding({ host: 'pg2', explains: ['down'] })),
        kind('leader', finding({ host: 'pg2' })),
        kind('egg', finding({ host: 'pg1', explains: ['hen'] })),
        kind('hen', finding({ host: 'pg1', explains: ['egg'] })),
      ],
      await examination(),
      [],
    );
    expect(findings.map(({ diagnosis, consequences }) => [diagnosis, consequences.map((other) => other.diagnosis)])).toEqual([
      ['disk', ['down', 'leader']],
      ['egg', ['hen']],
    ]);
  });

  it('has what status calls wrong and no finding is about, but no host twice that could not be asked', async () => {
    const seen = await examination([['pg3', 'cannot connect to pg3']]);
    const { findings } = diagnosed([kind('disk', finding({ host: 'pg2', level: 'danger' }))], seen, [
      'pg2: Patroni does not answer',
      'pg1: data checksums are off',
      'cannot connect to pg3',
    ]);
    expect(findings.map(({ diagnosis, host, what }) => [diagnosis, host, what])).toEqual([
      ['disk', 'pg2', 'it does not start'],
      ['status', 'pg1', 'data checksums are off'],
    ]);
  });

  it('has what another host suffers from a finding below that one, and not what status says of it', async () => {
    const { findings } = diagnosed(
      [
        kind('refused', finding({ host: 'pg1', level: 'danger', explains: ['down'], affects: ['pg3'] })),
        kind('down', finding({ host: 'pg2', level: 'danger' }), finding({ host: 'pg3', level: 'danger' })),
      ],
      await examination(),
      ['pg3: does not stream from the leader'],
    );
    expect(findings.map(({ diagnosis, host, consequences }) => [diagnosis, host, consequences.length])).toEqual([
      ['refused', 'pg1', 1],
      ['down', 'pg2', 0],
    ]);
  });

  it('tells what mends a problem of status where status knows it', async () => {
    const problem = 'pg1: archive_mode is on, set by ALTER SYSTEM\n  to reset it, enter in psql: `ALTER SYSTEM RESET archive_mode;`';
    const [found] = diagnosed([kind('disk')], await examination(), [problem]).findings;
    expect(found).toMatchObject({
      host: 'pg1',
      what: 'archive_mode is on, set by ALTER SYSTEM',
      mend: 'to reset it, enter in psql: `ALTER SYSTEM RESET archive_mode;`',
    });
  });

  it('lists what was found well', async () => {
    expect(diagnosed([kind('disk'), kind('leader', finding())], await examination(), []).well).toEqual(['the disk']);
  });

  it('is shown with since when, the evidence, what follows and what to do', async () => {
    const line = { host: 'pg2', at: NOW - 240_000, source: 'log of patroni', line: 'FATAL:  could not map anonymous shared memory' };
    const answer = diagnosed(
      [
        kind('start', finding({ host: 'pg2', since: NOW - 240_000, evidence: [line], explains: ['down'] })),
        kind('down', finding({ host: 'pg2' })),
      ],
      await examination(),
      [],
    );
    expect(renderDoctor(answer, { color: false }).split('\n')).toEqual([
      '✖ pg2: it does not start (since 2026-11-29T10:01:00Z, 4 min ago)',
      '    pg2 2026-11-29T10:01:00Z log of patroni: FATAL:  could not map anonymous shared memory',
      '  nobody can write',
      '  from it follows: pg2: it does not start',
      '  → run `pgprov recover x.yml`',
      '',
      '✖ 1 broken',
    ]);
  });

  it.each([
    { levels: [], unseen: 0, tone: 'ok', text: 'nothing is wrong' },
    { levels: ['notice'], unseen: 0, tone: 'ok', text: 'nothing is wrong' },
    { levels: [], unseen: 1, tone: 'changed', text: 'nothing is wrong as far as could be seen; 1 host could not be asked' },
    { levels: ['broken', 'danger', 'danger'], unseen: 2, tone: 'failed', text: '1 broken, 2 dangers; 2 hosts could not be asked' },
  ] as const)('is “$text” in a clause', async ({ levels, unseen, tone, text }) => {
    const hosts = ['pg1', 'pg2'].slice(0, unseen).map((name): [string, string] => [name, 'no']);
    const kinds = levels.map((level, at) => kind(`x${at}`, finding({ level })));
    expect(doctorVerdict(diagnosed(kinds, await examination(hosts), []))).toEqual({ tone, text });
  });
});
