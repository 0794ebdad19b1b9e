import type { Interrupted, Left, UnderWay } from '../events.js';
import { enumerate } from '../lib/enumerate.js';
import { groupBy } from '../lib/group-by.js';
import { listNames } from './words.js';

/** Gives what a reader knows a stage by. */
type NameOf = (stage: string) => string;

/** That a run was told to end, what it finishes before it does, and how one leaves at once. */
export function interruptedText({ how, underWay }: Pick<Interrupted, 'how' | 'underWay'>, nameOf: NameOf = (id) => id): string {
  const finishing = underWay.length === 0 ? 'nothing has to be finished' : `finishing ${placesText(underWay, nameOf)}`;
  return `${how}: ${finishing}; nothing new is begun${how === 'interrupted' ? '; Ctrl-C again leaves at once' : ''}`;
}

/** That a run ended without waiting, what the hosts are still at, and the command that continues. */
export function leftText({ underWay, again }: Pick<Left, 'underWay' | 'again'>, nameOf: NameOf = (id) => id): string {
  const steps = underWay.filter(({ stage }) => stage !== undefined);
  const hosts = listNames([...new Set(steps.map(({ host }) => host))]);
  const what = steps.length === 0 ? 'no step is under way on any host' : `still at work: ${placesText(steps, nameOf)}`;
  const goesOn = again === undefined ? '' : `; \`${again}\` ${steps.length === 0 ? 'continues' : `waits for ${hosts} and continues`}`;
  return `left at once: ${what}${goesOn}`;
}

/** `install PostgreSQL 17 on pg1, pg2 and start etcd on pg3` */
export function placesText(underWay: readonly UnderWay[], nameOf: NameOf): string {
  return enumerate(
    [...groupBy(underWay, ({ stage = '' }) => stage)].map(([stage, places]) => {
      const hosts = listNames(places.map(({ host }) => host));
      return stage === '' ? `the look at ${hosts}` : `${nameOf(stage)} on ${hosts}`;
    }),
  );
}
