import { expect, it } from 'vitest';
import { foreseenSteps } from '../../src/engine/shown-steps.js';
import type { ConvergeStep } from '../../src/plan/operation.js';

const ALL = ['pg1', 'pg2', 'pg3'];

/** The hosts that a pass is shown for. */
function hosts(step: Pick<ConvergeStep, 'converge' | 'changes'>): readonly string[] | undefined {
  return foreseenSteps('remove', [{ id: 'others', title: 'bring the others', ...step }], ALL)[0]?.hosts;
}

it('shows a pass for the hosts that it may come to, and for none that it is without', () => {
  expect(hosts({ converge: { roles: [] } })).toEqual(ALL);
  expect(hosts({ converge: { roles: [], without: ['pg2'] } })).toEqual(['pg1', 'pg3']);
  expect(hosts({ converge: { roles: [], without: ['pg2'] }, changes: ['pg1'] })).toEqual(['pg1']);
});
