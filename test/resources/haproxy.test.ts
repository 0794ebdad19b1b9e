import { describe, expect, it } from 'vitest';
import { haproxyStatistics, readStatistics } from '../../src/resources/haproxy.js';

// Columns as HAProxy 3.0 has them, of which those that nobody reads are left out.
const HEAD = '# pxname,svname,scur,status,check_status,check_code,\n';

describe('HAProxy’s table of statistics', () => {
  it('gives its servers by backend, and backends without any', () => {
    const text = `${HEAD}primary,FRONTEND,1,OPEN,,,\nleader,pg1,3,UP,L7OK,200,\nleader,pg2,0,DOWN,L7STS,503,\nleader,BACKEND,3,UP,,,\nreplicas,pg1,0,DOWN 1/2,L4CON,,\nreplicas,pg2,0,UP 1/2,L7OK,200,\nreplicas,BACKEND,0,UP,,,\npgprov-0123,BACKEND,0,UP,,,\n`;
    const { answers, backends } = readStatistics(text);
    expect(answers).toBe(true);
    expect([...backends.keys()]).toEqual(['leader', 'replicas', 'pgprov-0123']);
    expect(backends.get('leader')).toEqual([
      { name: 'pg1', up: true, status: 'UP', check: 'L7OK/200', sessions: 3 },
      { name: 'pg2', up: false, status: 'DOWN', check: 'L7STS/503', sessions: 0 },
    ]);
    expect(backends.get('replicas')?.map(({ up, check }) => [up, check])).toEqual([
      [false, 'L4CON'],
      [true, 'L7OK/200'],
    ]);
    expect(backends.get('pgprov-0123')).toEqual([]);
  });

  it('has the words of a check, also while the next one is under way', () => {
    const head = '# pxname,svname,scur,status,check_status,check_code,last_chk,\n';
    const text = `${head}leader,pg1,0,DOWN,* L4CON,,Connection refused,\nleader,pg2,0,DOWN,L4TOUT,,,\n`;
    expect(readStatistics(text).backends.get('leader')).toMatchObject([
      { name: 'pg1', check: 'L4CON', words: 'Connection refused' },
      { name: 'pg2', check: 'L4TOUT' },
    ]);
  });

  it.each(['', 'HTTP/1.0 503 Service Unavailable\n', '<html>\n', '# a,b,c\nx,y,z\n'])('is none in %j', (text) =>
    expect(readStatistics(text)).toEqual({ answers: false, backends: new Map() }),
  );

  it('is asked for on the socket, which may be gone', () => {
    expect(haproxyStatistics('/run/x').probe().text).toContain('--unix-socket /run/x');
    expect(haproxyStatistics('/run/x').parse({ status: 0, out: Buffer.from('') }).answers).toBe(false);
  });
});
