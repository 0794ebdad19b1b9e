import { command, endPutOff, enumerate, isPutOff, sh, type OperationStep, type RoleContext, type Resource } from '../../index.js';
import { memberGate } from '../../../roles/shared/patroni/start.js';
import type { RecoverRun } from './recover-seen.js';
import { streamingGate } from './streaming-gate.js';

/** Starts Patroni on members and waits until each leads or streams. */
export function startStep(members: readonly string[], leader: string): OperationStep[] {
  if (members.length === 0) return [];
  return [
    {
      id: 'start-others',
      title: `start Patroni on ${enumerate(members)}, and wait until ${members.length === 1 ? 'it streams' : 'they stream'} from ${leader}`,
      on: members,
      resources: (context) => [patroniStarts(context)],
      gates: (context) => [memberGate(context)],
    },
  ];
}

/** Patroni runs, and starts at boot again where pgprov had stopped it. */
function patroniStarts({ platform: { patroni } }: RoleContext): Resource {
  return command({
    name: 'start-patroni',
    summary: `start ${patroni.unit}`,
    unless: sh`systemctl -q is-active ${patroni.unit} && ! ${isPutOff(patroni.unit)}`,
    run: sh`if ${isPutOff(patroni.unit)}; then
systemctl -q enable ${patroni.unit}
${endPutOff(patroni.unit)}
fi
systemctl reset-failed ${patroni.unit} 2>/dev/null || :
if ! timeout 90 systemctl start ${patroni.unit}; then
echo ${`${patroni.unit} did not start; its last words:`}
journalctl -u ${patroni.unit} -n 12 -o cat --no-pager 2>/dev/null || :
exit 1
fi`,
  });
}

/** Waits until the leader's Patroni lists all of them as streaming. */
export function followStep({ done }: RecoverRun, leader: string, members: readonly string[]): OperationStep[] {
  if (members.length === 0 || done.has('follow')) return [];
  return [
    {
      id: 'follow',
      title: `wait until ${leader} lists ${enumerate(members)} as streaming on its timeline`,
      on: [leader],
      gates: (context) => [streamingGate(context, members)],
    },
  ];
}
