import { describe, expect, it } from 'vitest';
import { renderSteps } from '../../src/report/steps-text.js';

describe('renderSteps', () => {
  it('says where each step is taken, what clients notice of it, and where the way back ends', () => {
    const text = renderSteps(
      {
        steps: [
          { id: 'a/begin', title: 'make a new password', hosts: [] },
          { id: 'a/change', title: 'set it', hosts: ['pg1', 'pg2'], effect: 'a login may fail', pass: true },
          { id: 'a/drop', title: 'drop the old one', hosts: ['pg1'], pointOfNoReturn: true },
        ],
        then: 'then the hosts say which is next',
      },
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
});
