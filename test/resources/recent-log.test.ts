import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { recentFiles, recentLog } from '../../src/resources/recent-log.js';
import { freshDirectory } from '../support/directory.js';
import { moved, observe, rewritten } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const work = freshDirectory();

/** Has `journalctl` print these entries. */
function journal(...entries: { at: number; unit: string; program?: string; text: string }[]): string {
  const lines = entries.map(({ at, unit, program = 'python3', text }) =>
    JSON.stringify({
      __REALTIME_TIMESTAMP: String(at * 1000),
      _SYSTEMD_UNIT: `${unit}.service`,
      ...(program === '' ? {} : { _COMM: program }),
      MESSAGE: text,
    }),
  );
  mkdirSync(work.at('bin'));
  writeFileSync(work.at('journal'), `${lines.join('\n')}\n`);
  writeFileSync(
    work.at('bin', 'journalctl'),
    `#!/bin/sh\nunit=$(printf '%s\\n' "$@" | sed -n 's/^--unit=//p')\ngrep "$unit" '${work.at('journal')}'\n`,
  );
  chmodSync(work.at('bin', 'journalctl'), 0o755);
  return work.at('bin', 'journalctl');
}

inEveryShell(HOST_SHELLS, (shell) => {
  it('a host’s recent log has each line once, PostgreSQL’s by its name, and of Patroni’s routine the last', async () => {
    const routine = 'INFO: no action. I am (pg1), the leader with the lock';
    const program = journal(
      { at: 1000, unit: 'patroni', text: routine },
      { at: 2000, unit: 'patroni', program: 'postgres', text: 'LOG:  one\nDETAIL:  two' },
      { at: 2500, unit: 'patroni', program: '', text: 'FATAL:  of a backend that has ended' },
      { at: 3000, unit: 'patroni', text: routine },
      { at: 3500, unit: 'etcd', program: '', text: 'of a child that has ended' },
      { at: 4000, unit: 'etcd', program: 'etcd', text: 'lost the leader' },
    );
    const seen = await observe(
      shell,
      rewritten(recentLog({ units: ['patroni', 'etcd'], since: 0 }), (script) => moved(script, 'journalctl', program)),
    );
    expect(seen).toEqual([
      { at: 2000, unit: 'postgresql', text: 'LOG:  one' },
      { at: 2000, unit: 'postgresql', text: 'DETAIL:  two' },
      { at: 2500, unit: 'postgresql', text: 'FATAL:  of a backend that has ended' },
      { at: 3000, unit: 'patroni', text: routine },
      { at: 3500, unit: 'etcd', text: 'of a child that has ended' },
      { at: 4000, unit: 'etcd', text: 'lost the leader' },
    ]);
  });

  it('in a host’s recent log no unit crowds out another one, nor a server its Patroni, nor slow requests what etcd says of its disk', async () => {
    const flood = (number: number, unit: string, program: string, text: string): Parameters<typeof journal> =>
      Array.from({ length: number }, (_, index) => ({ at: 1000 + index, unit, program, text: `${text} ${index}` }));
    const program = journal(
      { at: 1, unit: 'patroni', text: 'ERROR: of Patroni' },
      { at: 2, unit: 'etcd', program: 'etcd', text: 'slow fdatasync' },
      ...flood(2500, 'patroni', 'postgres', 'LOG:  statement: SELECT'),
      ...flood(2500, 'etcd', 'etcd', 'apply request took too long'),
    );
    const seen = await observe(
      shell,
      rewritten(recentLog({ units: ['patroni', 'etcd'], since: 0 }), (script) => moved(script, 'journalctl', program)),
    );
    expect(seen.slice(0, 3).map(({ text }) => text)).toEqual(['ERROR: of Patroni', 'slow fdatasync', 'LOG:  statement: SELECT 500']);
    expect(seen.slice(-2).map(({ text }) => text)).toEqual(['LOG:  statement: SELECT 2499', 'apply request took too long 2499']);
    expect(seen).toHaveLength(2003);
  });

  it('a host without a journal has no recent log', async () => {
    const observation = rewritten(recentLog({ units: ['patroni'], since: 0 }), (script) => moved(script, 'journalctl', work.at('none')));
    expect(await observe(shell, observation)).toEqual([]);
  });

  it('what PostgreSQL wrote to files has the times of its lines', async () => {
    mkdirSync(work.at('log'));
    writeFileSync(work.at('current_logfiles'), 'stderr log/a.log\n');
    writeFileSync(
      work.at('log', 'a.log'),
      '2026-11-29 10:00:00.500 UTC [1] LOG:  from a file\n\tand more\n2020-01-01 00:00:00 UTC [1] LOG:  old\n',
    );
    const since = Date.parse('2025-11-29T09:00:00Z') / 1000;
    expect(await observe(shell, recentFiles({ place: { data: work.path }, since }))).toEqual([
      { at: Date.parse('2026-11-29T10:00:00.500Z'), unit: 'postgresql', text: '2026-11-29 10:00:00.500 UTC [1] LOG:  from a file' },
      { at: Date.parse('2026-11-29T10:00:00.500Z'), unit: 'postgresql', text: '\tand more' },
    ]);
  });
});
