import { describe, expect, it } from 'vitest';
import { withLeader } from '../../../src/cli/settle/leader-line.js';

describe('the leader of an inventory', () => {
  it('is written in its place, and nothing else of the text is touched', () => {
    const text = "# ours\ncluster: demo   # of the shop\nleader: 'pg1' # since May\nhosts:\n    pg1: 10.0.0.1\n";
    expect(withLeader(text, 'pg2')).toBe('# ours\ncluster: demo   # of the shop\nleader: pg2 # since May\nhosts:\n    pg1: 10.0.0.1\n');
  });

  it('is written below the cluster where there was none', () => {
    expect(withLeader('cluster: demo # of the shop\nhosts: {pg1: 10.0.0.1}\n', 'pg2')).toBe(
      'cluster: demo # of the shop\nleader: pg2\nhosts: {pg1: 10.0.0.1}\n',
    );
    expect(withLeader('hosts: {pg1: 10.0.0.1}\r\ncluster: demo\r\n', 'pg2')).toBe(
      'hosts: {pg1: 10.0.0.1}\r\ncluster: demo\r\nleader: pg2\r\n',
    );
    expect(withLeader('hosts: {pg1: 10.0.0.1}\ncluster: demo', 'pg2')).toBe('hosts: {pg1: 10.0.0.1}\ncluster: demo\nleader: pg2\n');
  });

  it('is a text also where its name looks like a number', () => {
    expect(withLeader('cluster: demo\nleader: pg1\n', '17')).toBe('cluster: demo\nleader: "17"\n');
  });

  it.each([
    ['braces', '{cluster: demo, leader: pg1}\n'],
    ['an anchor', 'cluster: demo\nleader: &first pg1\nhosts: {x: *first}\n'],
    ['an alias', 'hosts: {x: &first pg1}\ncluster: demo\nleader: *first\n'],
    ['no mapping', '- pg1\n'],
    ['errors', 'cluster: demo\n  leader: pg1\n'],
  ])('is left to a person where the text has %s', (_what, text) => {
    expect(withLeader(text, 'pg2')).toBeUndefined();
  });
});
