import { dynamicConfigWritten, type Hindrance, type HostStep, type OperationRun } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { dynamicConfiguration } from '../../../../roles/shared/dynamic.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { dynamicOf, storeAsked } from '../members.js';

/** The dynamic configuration's `member_slots_ttl`; null: it has none. */
export type SlotsTtl = string | number | null;

/** Of an operation that has Patroni keep no slot of a member that is gone for a moment. */
export interface DropsSlots {
  host?: string;
  /** What `member_slots_ttl` was before. */
  slotsTtl?: SlotsTtl;
}

type Run = Pick<OperationRun<DropsSlots>, 'inventory' | 'view'>;

/**
 * No time at all, in a form that Patroni reads as 0 (`parse_int` of its utils.py) and that nobody else writes: what an operation has left is so told
 * from what somebody wants.
 */
export const NONE_KEPT = '0s';

/** What it is now. */
export function slotsTtlOf({ view }: Pick<Run, 'view'>): SlotsTtl {
  const given = dynamicOf(view)['member_slots_ttl'];
  return typeof given === 'string' || typeof given === 'number' ? given : null;
}

/** What it is to be again, where an operation begins: what it is, or, where one was given up that could not give it back, what the inventory says. */
export function slotsTtlBefore(run: Run): SlotsTtl {
  const now = slotsTtlOf(run);
  const [host] = hostsWith(run.inventory, 'patroni');
  if (now !== NONE_KEPT || host === undefined) return now;
  const wanted = dynamicConfiguration({ inventory: run.inventory, host })['member_slots_ttl'];
  return typeof wanted === 'string' || typeof wanted === 'number' ? wanted : null;
}

/** Whether Patroni keeps no slot of a member that is gone. */
export function keepsNone(value: SlotsTtl): boolean {
  return value !== null && /^\s*0+\s*(?:us|ms|s|min|h|d)?\s*$/u.test(String(value));
}

/** Sets it, on a host that reaches the store; null: takes it away. */
export function slotsTtlStep(on: string, { id, title, wanted }: { id: string; title: string; wanted: SlotsTtl }): HostStep {
  return {
    id,
    title,
    on: [on],
    resources: (context) => [
      dynamicConfigWritten({ keys: dcsOf(context.inventory).keys(context), patch: { member_slots_ttl: wanted }, summary: title }),
    ],
  };
}

/** The step that gives it back as it was. */
export function slotsTtlBack(on: string, before: SlotsTtl): HostStep {
  return slotsTtlStep(on, { id: 'slots-ttl-back', title: `give member_slots_ttl back ${before ?? 'its default'}`, wanted: before });
}

/** That Patroni keeps no slots for it, which an operation may have left so: giving it up gives back what was there before. */
export const LEFT_SLOTS_TTL: Hindrance<DropsSlots> = {
  role: ({ options: { slotsTtl } }) => (slotsTtl === undefined || keepsNone(slotsTtl) ? undefined : 'patroni'),
  fromAny: true,
  steps: (run) => {
    const on = storeAsked(run.view);
    return on === undefined || !keepsNone(slotsTtlOf(run)) ? [] : [slotsTtlBack(on, run.options.slotsTtl ?? null)];
  },
  unasked: ({ view, inventory }) =>
    storeAsked(view) !== undefined
      ? undefined
      : `no member reaches ${dcsOf(inventory).name}, so member_slots_ttl may be ${NONE_KEPT} yet, with which Patroni drops the slot of a member that is down at once; the next removal of a host gives it back`,
};
