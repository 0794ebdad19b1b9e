import { describe, expect, it } from 'vitest';
import { poolsPaused, poolsResumed } from '../../../src/resources/pgbouncer/paused.js';
import { readPooler } from '../../../src/resources/pgbouncer/pooler.js';

// As PgBouncer 1.24 answers, without the columns that nobody reads.
const answer = ({ paused = 'no', app = '0' } = {}): string => `@pgprov-CONFIG
key|value|default|changeable
pool_mode|transaction|session|yes
syslog_ident|pgbouncer-abc|pgbouncer|yes
@pgprov-DATABASES
name|host|port|database|paused|disabled
app|127.0.0.1|5000|app|${app}|0
pgbouncer||6432|pgbouncer|0|0
@pgprov-POOLS
database|user|cl_active|cl_waiting|sv_active|sv_idle|sv_used|sv_tested|sv_login|maxwait|pool_mode
app|clerk|3|1|2|1|0|0|1|0|transaction
pgbouncer|pgbouncer|1|0|0|0|0|0|0|0|statement
@pgprov-STATE
key|value
active|yes
paused|${paused}
suspended|no
`;

describe('PgBouncer’s console', () => {
  it('tells settings by name, and pools by the names of its columns', () => {
    const { answers, settings, pools, paused } = readPooler(answer());
    expect(answers).toBe(true);
    expect(settings.get('syslog_ident')).toBe('pgbouncer-abc');
    expect(pools).toEqual([{ database: 'app', user: 'clerk', mode: 'transaction', active: 3, waiting: 1, servers: 4, busy: 3 }]);
    expect(paused).toBeUndefined();
  });

  it('tells what is paused: all, or the pools of some databases', () => {
    expect(readPooler(answer({ paused: 'yes' })).paused).toBe('all');
    expect(readPooler(answer({ app: '1' })).paused).toEqual(['app']);
  });

  it.each(['', '@pgprov-CONFIG\n', 'psql: error\n'])('is none in %j', (text) =>
    expect(readPooler(text)).toEqual({ answers: false, settings: new Map(), pools: [], paused: undefined }),
  );
});

describe('pools', () => {
  const console = { psql: ['/usr/bin/psql'], user: 'postgres', socketDirectory: '/run/pgbouncer', port: 6432 };

  it('are resumed as they were paused', () => {
    const resumed = poolsResumed(console);
    expect(resumed.diff(readPooler(answer()))).toEqual([]);
    const all = readPooler(answer({ paused: 'yes' }));
    expect(resumed.diff(all).map(({ summary }) => summary)).toEqual(['resume the pools of PgBouncer, which are paused']);
    expect(resumed.apply([], all).text).toContain('-c RESUME ');
    const one = readPooler(answer({ app: '1' }));
    expect(resumed.diff(one).map(({ summary }) => summary)).toEqual(['resume the pools of PgBouncer on app, which are paused']);
    expect(resumed.apply([], one).text).toContain(`-c 'RESUME "app"'`);
  });

  it('are paused once, and not where PgBouncer does not answer', () => {
    const paused = poolsPaused({ console, within: 10, limit: 60 });
    expect(paused.diff(readPooler(answer()))).toHaveLength(1);
    expect(paused.diff(readPooler(answer({ paused: 'yes' })))).toEqual([]);
    expect(paused.diff(readPooler(''))).toEqual([]);
  });
});
