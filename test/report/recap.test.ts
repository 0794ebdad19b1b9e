import { describe, expect, it } from 'vitest';
import { ExitCode, PgprovError } from '../../src/lib/errors.js';
import { renderRecap, type RecapInput } from '../../src/report/recap.js';

const host = (name: string, counts: Partial<RecapInput['recap'][number]> = {}): RecapInput['recap'][number] => ({
  host: name,
  ok: 31,
  changed: 0,
  failed: 0,
  skipped: 0,
  remarks: [],
  ...counts,
});

const render = (input: Partial<RecapInput>): string =>
  renderRecap({ command: 'apply', exitCode: ExitCode.done, ms: 45_000, recap: [], failures: [], ...input }, { color: false });

describe('the recap', () => {
  it('has a line per host, remarks, and the sum', () => {
    expect(
      render({ recap: [host('pg1', { changed: 12, remarks: ['a restart is pending'] }), host('replica', { ok: 8, changed: 23 })] }),
    ).toBe(
      `pg1      ok=31  changed=12  failed=0  skipped=0
replica  ok=8   changed=23  failed=0  skipped=0

remark: pg1: a restart is pending

Done in 45 s: 35 changes on 2 hosts.`,
    );
  });

  it('omits spaces on a narrow terminal', () => {
    const input: RecapInput = {
      command: 'apply',
      exitCode: ExitCode.done,
      ms: 100,
      failures: [],
      recap: [host('pg1'), host('replica', { ok: 8, changed: 1 })],
    };
    expect(renderRecap(input, { color: false, columns: 40 }).split('\n').slice(0, 2)).toEqual([
      'pg1 ok=31 changed=0 failed=0 skipped=0',
      'replica ok=8 changed=1 failed=0 skipped=0',
    ]);
  });

  it('has a line for those of many hosts that failed, and one for those with the same result; a remark that hosts share appears once', () => {
    const hosts = Array.from({ length: 200 }, (_, index) =>
      host(`pg${index + 1}`, {
        changed: 2,
        ...(index < 2 ? { remarks: ['a restart is pending'] } : {}),
        ...(index === 70 ? { failed: 1, skipped: 2 } : {}),
      }),
    );
    expect(render({ recap: hosts, exitCode: ExitCode.hostFailed })).toBe(
      `pg1 and 198 more  ok=31  changed=2  failed=0  skipped=0
pg71              ok=31  changed=2  failed=1  skipped=2

remark: pg1, pg2: a restart is pending

Failed: pg71 (45 s). Made 400 changes on 200 hosts.`,
    );
  });

  it.each([
    [{ recap: [host('pg1'), host('pg2'), host('pg3')], ms: 800 }, 'No changes: 3 hosts are as the inventory says (0.8 s).'],
    [{ recap: [host('pg1')], ms: 800 }, 'No changes: 1 host is as the inventory says (0.8 s).'],
    [
      { recap: [host('pg1')], ms: 800, leftOut: { hosts: ['pg2'], roles: [] } },
      'No changes: 1 host is as the inventory says (0.8 s); left out: pg2.',
    ],
    [{ recap: [host('pg1', { changed: 1 })], ms: 125_000 }, 'Done in 2 min 5 s: 1 change on 1 host.'],
    [{ recap: [host('pg1'), host('pg2', { failed: 1 })], exitCode: ExitCode.hostFailed }, 'Failed: pg2 (45 s). Nothing was changed.'],
    [{ recap: [host('pg1', { failed: 1 })], exitCode: ExitCode.unreachable }, 'Failed: out of reach: pg1 (45 s). Nothing was changed.'],
    [{ recap: [host('pg1')], exitCode: ExitCode.refused }, 'Failed: refused (45 s). Nothing was changed.'],
    [{ recap: [host('pg1')], exitCode: ExitCode.locked }, 'Failed: another run holds the lock (45 s). Nothing was changed.'],
    [
      { recap: [host('pg1', { changed: 2 })], exitCode: ExitCode.interrupted },
      'Interrupted after 45 s. Made 2 changes on 1 host. No step is under way on any host. Run the same command again to continue.',
    ],
    [
      { recap: [host('pg1')], exitCode: ExitCode.interrupted, again: 'pgprov apply i.yml --resume' },
      'Interrupted after 45 s. Nothing was changed. No step is under way on any host; `pgprov apply i.yml --resume` continues.',
    ],
    [
      {
        recap: [host('pg1', { failed: 1 })],
        exitCode: ExitCode.interrupted,
        failures: [
          {
            error: new PgprovError({ kind: 'ssh/connection-lost', host: 'pg1', message: 'pg1: lost' }),
            step: { host: 'pg1', stage: 'a/b' },
          },
        ],
      },
      'Interrupted after 45 s. No change was completed. The connection was lost, and this may still go on: a/b on pg1. Run the same command again to continue.',
    ],
    [{ recap: [host('pg1')], exitCode: ExitCode.hostFailed }, 'Failed: see the errors above (45 s). Nothing was changed.'],
  ])('ends with %#', (input, last) => {
    expect(render(input).split('\n').at(-1)).toBe(last);
  });

  const failure = (name: string, stage: string, message: string): RecapInput['failures'][number] => ({
    error: new PgprovError({ kind: 'test', host: name, message: `${name}: ${message}` }),
    step: { host: name, stage },
  });

  it('shows the first failure when hosts failed for different reasons', () => {
    const failures = [
      failure('pg2', 'base/prepare', 'could not install curl (exit status 100)\n  E: No space left on device'),
      failure('pg3', 'patroni/start', 'etcd is without pg2'),
      { error: new PgprovError({ kind: 'test', message: 'told outside of a stage' }) },
      failure('pg1', 'patroni/start', 'etcd is without pg2'),
    ];
    expect(
      render({
        recap: [host('pg1', { failed: 1 }), host('pg2', { failed: 1 }), host('pg3', { failed: 1 })],
        failures,
        exitCode: ExitCode.hostFailed,
      }).split('\n\n')[1],
    ).toBe(
      `What failed, in order:
  pg2       base/prepare   could not install curl (exit status 100): E: No space left on device
  pg3, pg1  patroni/start  etcd is without pg2`,
    );
  });

  it('says the cause behind a line that only announces it, and breaks no word', () => {
    const failures = [failure('pg3', 'etcd/start', 'giving up waiting until etcd on pg3 is healthy:\n  tls: bad certificate at 10.0.0.3')];
    const input: RecapInput = { command: 'apply', exitCode: ExitCode.hostFailed, ms: 100, recap: [host('pg3', { failed: 1 })], failures };
    const shown = (columns: number): string | undefined => renderRecap(input, { color: false, columns }).split('\n\n')[1];
    expect(shown(100)).toBe(
      'What failed:\n  pg3  etcd/start  giving up waiting until etcd on pg3 is healthy: tls: bad certificate at 10.0.0.3',
    );
    expect(shown(60)).toBe(
      `What failed:
  pg3  etcd/start  giving up waiting until etcd on pg3 is
                   healthy: tls: bad certificate at 10.0.0.3`,
    );
    expect(shown(40)).toBe(
      `What failed:
  pg3  etcd/start
    giving up waiting until etcd on pg3
    is healthy: tls: bad certificate at
    10.0.0.3`,
    );
  });

  it('counts failures after the first six', () => {
    const failures = Array.from({ length: 8 }, (_, index) => failure(`pg${index + 1}`, 'base/prepare', `reason ${index + 1}`));
    expect(render({ failures, exitCode: ExitCode.hostFailed }).split('\n').slice(5, 8)).toEqual([
      '  pg5  base/prepare  reason 5',
      '  pg6  base/prepare  reason 6',
      '  and 2 more',
    ]);
  });

  it('repeats the only failure unless it stands right above', () => {
    const input: RecapInput = {
      command: 'apply',
      exitCode: ExitCode.hostFailed,
      ms: 100,
      recap: [host('pg1', { failed: 1 })],
      failures: [failure('pg1', 'base/prepare', 'no'), failure('pg2', 'base/prepare', 'no')],
    };
    expect(renderRecap(input, { color: false }).split('\n\n')[1]).toBe('What failed:\n  pg1, pg2  base/prepare  no');
    expect(renderRecap(input, { color: false, fewestCauses: 2 })).not.toContain('What failed');
  });

  it('does not repeat what was reported before the first stage', () => {
    const failures = [
      { error: new PgprovError({ kind: 'test', message: 'one' }) },
      { error: new PgprovError({ kind: 'test', message: 'two' }) },
    ];
    expect(render({ failures, recap: [host('pg1', { failed: 1 })], exitCode: ExitCode.hostFailed })).not.toContain('What failed');
  });

  it('does not say that nothing was changed where a step failed, which may have changed something', () => {
    const error = new PgprovError({ kind: 'test', message: 'the connection was lost' });
    const failures = [{ error, step: { host: 'pg1', stage: 'switchover/hand-over' } }];
    expect(render({ command: 'switchover', failures, recap: [host('pg1', { failed: 1 })], exitCode: ExitCode.unreachable })).toContain(
      'Failed: out of reach: pg1 (45 s). No change was completed.',
    );
  });

  it('names the changes that were begun and not completed, each once', () => {
    const error = new PgprovError({ kind: 'apply/failed', message: 'no' });
    const failures = ['pg1', 'pg2'].map((name) => ({ error, step: { host: name, stage: 'restart/x', begun: 'restart patroni' } }));
    const failed = { recap: [host('pg1', { failed: 1 }), host('pg2', { failed: 1 })], exitCode: ExitCode.hostFailed, failures };
    expect(render({ command: 'restart', ...failed })).toMatch(
      /Failed: pg1, pg2 \(45 s\)\. No change was completed\. Begun and not completed: restart patroni \(pg1, pg2\)\.$/u,
    );
    const made = { ...failed, recap: [host('pg1', { failed: 1, changed: 2 }), host('pg2', { failed: 1 })] };
    expect(render(made)).toContain('Made 2 changes on 1 host. Begun and not completed: restart patroni (pg1, pg2).');
  });

  it('blames the command line and the inventory for nothing that came after changes', () => {
    const input = { exitCode: ExitCode.badInput, recap: [host('pg1')] };
    expect(render(input)).toContain('Failed: the command line or the inventory is wrong');
    expect(render({ ...input, recap: [host('pg1', { changed: 2 })] })).toContain('Failed: see the errors above (45 s). Made 2 changes');
  });

  it('counts nothing for a plan', () => {
    expect(render({ command: 'plan', recap: [host('pg1')] })).toBe('');
    expect(render({ command: 'plan', recap: [host('pg1', { failed: 1 })], exitCode: ExitCode.unreachable })).toBe(
      'Failed: out of reach: pg1 (45 s). Nothing was changed.',
    );
  });
});
