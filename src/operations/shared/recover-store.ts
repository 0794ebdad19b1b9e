import { command, enumerate, sh, type OperationObjection, type OperationStep } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../roles/shared/layout.js';
import { quorumOf } from '../../../roles/shared/quorum.js';
import { storeOf } from './members.js';
import type { RecoverRun } from './recover-seen.js';

/** The hosts of the store that can be reached and whose member has its data. */
function withData({ view, inventory }: RecoverRun): string[] {
  const store = dcsOf(inventory);
  return view.hosts(store.role).flatMap(({ name }) => (store.hasData(view, name) === true ? [name] : []));
}

/** Why the store cannot be brought back. */
export function storeObjections(run: RecoverRun): OperationObjection[] {
  const { view, inventory } = run;
  if (storeOf(view) !== undefined) return [];
  const { name: store, role } = dcsOf(inventory);
  const all = hostsWith(inventory, role).map(({ name }) => name);
  const there = withData(run);
  const quorum = quorumOf(all.length);
  if (there.length >= quorum) return [];
  const off = all.filter((name) => !view.surveyed(name));
  return [
    {
      kind: 'refuse',
      message: `${store} has no quorum: ${quorum} of its members on ${enumerate(all)} are needed, and ${there.length === 0 ? 'none' : enumerate(there)} can be reached and has data`,
      hint:
        off.length > 0
          ? `nothing was changed; switch ${enumerate(off)} on and run this again`
          : `nothing was changed; see \`journalctl -u ${dcsOf(inventory).unit}\` on ${enumerate(all)}`,
    },
  ];
}

/** What brings the store back. */
export function storeSteps(run: RecoverRun): OperationStep[] {
  const { view, inventory, done } = run;
  const store = dcsOf(inventory);
  if (storeOf(view) !== undefined || done.has('start-store')) return [];
  const down = withData(run).filter((name) => store.isHealthy(view, name) !== true);
  if (down.length === 0) return [];
  return [
    {
      id: 'start-store',
      title: `start ${store.name} on ${enumerate(down)}, and wait for its quorum`,
      on: down,
      resources: () => [
        command({
          name: `start-${store.unit}`,
          summary: `start ${store.unit}`,
          unless: sh`systemctl -q is-active ${store.unit}`,
          run: sh`systemctl reset-failed ${store.unit} 2>/dev/null || :
systemctl start --no-block ${store.unit}`,
        }),
      ],
      gates: (context) => [store.worksGate(context)],
    },
  ];
}
