import { describe, expect, it } from 'vitest';
import { assertPut, patchOf } from '../../../src/cli/config/told.js';
import { inventoryOf, THREE } from '../../support/inventory.js';

const inventory = await inventoryOf(THREE);

describe('the changes of a command line', () => {
  const current = { ttl: 30, check_timeline: true, postgresql: { parameters: { work_mem: '7MB' } } };
  const patch = (remove: string[], begun?: Parameters<typeof patchOf>[0]['begun'], set = {}): unknown =>
    patchOf({ set, remove, current, begun }, inventory);

  it('take away what is there', () => {
    expect(patch(['check_timeline', 'postgresql.parameters.work_mem'])).toEqual({
      check_timeline: null,
      postgresql: { parameters: { work_mem: null } },
    });
    expect(() => patch(['check_timelin'])).toThrow('the dynamic configuration has no setting check_timelin');
  });

  it('are the same for an edit that has taken it away already and is not finished', () => {
    const begun = { failsafe_mode: null, postgresql: { parameters: { log_min_messages: null } } };
    expect(patch(['failsafe_mode', 'postgresql.parameters.log_min_messages'], begun)).toEqual(begun);
    expect(() => patch(['failsafe_mode'], { failsafe_mode: true })).toThrow('has no setting failsafe_mode');
  });

  it('contradict themselves where a key is set and taken away', () => {
    expect(() => patch(['check_timeline'], undefined, { check_timeline: false })).toThrow('--put and --remove both name check_timeline');
  });

  it('set something', () => {
    expect(() => assertPut(['failsafe_mode=null'], {}, inventory)).toThrow('--put failsafe_mode gives the setting no value');
    expect(() => assertPut(['ttl=30'], {}, inventory)).toThrow('ttl is given by the inventory with just this value');
    expect(() => assertPut(['failsafe_mode=true'], { failsafe_mode: true }, inventory)).not.toThrow();
  });
});
