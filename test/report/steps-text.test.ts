import { describe, expect, it } from 'vitest';
import { renderSteps } from '../../src/report/steps-text.js';

describe('renderSteps', () => {
  it('shows where each step is taken, what clients notice of it, and from where there is no way back', () => {
    const text = renderSteps(
      {
        steps: [
          { id: 'a/begin', title: 'make a new password', hosts: [] },
          { id: 'a/change', title: 'set it', hosts: ['pg1', 'pg2'], effect: 'a login may fail', pass: true },
          { id: 'a/drop', title: 'drop the old one', hosts: ['pg1'], pointOfNoReturn: true },
        ],
        then: 'then the hosts say which is next',
      },
      ['pg1', 'pg2', 'pg3'],
      { color: false },
    );
    expect(text.split('\n')).toEqual([
      '1. make a new password (on the control machine)',
      '2. set it (on pg1, pg2)',
      '   a login may fail',
      '3. drop the old one (on pg1)',
      '   after this step there is no way back',
      'then the hosts say which is next.',
    ]);
  });

  it.each<{ title: string; hosts: string[]; shown: string }>([
    { title: 'restart PostgreSQL on pg2', hosts: ['pg2'], shown: '1. restart PostgreSQL on pg2' },
    { title: 'restart PostgreSQL on pg2, the leader', hosts: ['pg2'], shown: '1. restart PostgreSQL on pg2, the leader' },
    { title: 'wait until pg1, pg2 and pg3 use it', hosts: ['pg1', 'pg2', 'pg3'], shown: '1. wait until pg1, pg2 and pg3 use it' },
    { title: 'wait until pg1 uses it', hosts: ['pg1', 'pg2'], shown: '1. wait until pg1 uses it (on pg1, pg2)' },
    { title: 'hand the lead from pg1 to pg2', hosts: ['pg1'], shown: '1. hand the lead from pg1 to pg2 (on pg1)' },
    { title: 'look at pg10', hosts: ['pg1'], shown: '1. look at pg10 (on pg1)' },
  ])('repeats no host name: $shown', ({ title, hosts, shown }) => {
    expect(renderSteps({ steps: [{ id: 'a/b', title, hosts }] }, ['pg1', 'pg2', 'pg3', 'pg10'], { color: false })).toBe(shown);
  });

  it('fits the width of the terminal', () => {
    const steps = [
      {
        id: 'a/b',
        title: 'hand the lead from pg1 to pg2',
        hosts: ['pg1'],
        effect: 'every connection to pg1 is cut, and writes fail for some seconds',
      },
    ];
    const text = renderSteps({ steps, then: 'nothing waits for pg3, which did not stream before' }, ['pg1', 'pg2', 'pg3'], {
      color: false,
      columns: 36,
    });
    expect(text.split('\n')).toEqual([
      '1. hand the lead from pg1 to pg2 (on',
      '   pg1)',
      '   every connection to pg1 is cut,',
      '   and writes fail for some seconds',
      'nothing waits for pg3, which did not',
      'stream before.',
    ]);
  });
});
