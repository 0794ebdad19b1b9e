import { DATA_DIRECTORY, type OperationObjection, type View } from '../../index.js';
import { answerOf } from './members.js';
import { untilUp } from './passing.js';

/** A server that takes writes though its Patroni does not run: the new leader would be a second one. */
export function unattended({ view }: { view: View }): OperationObjection[] {
  return view.hosts('patroni').flatMap(({ name }): OperationObjection[] => {
    const data = view.read(name, DATA_DIRECTORY);
    if (answerOf(view, name) !== undefined || data?.kind !== 'cluster' || !data.running || data.clusterState !== 'in production') return [];
    return untilUp(
      view,
      [name],
      [
        {
          kind: 'refuse',
          message: `PostgreSQL on ${name} runs as a primary without its Patroni: clients may write there, and a failover would make a second one`,
          hint: `start Patroni there (\`systemctl start patroni\`), which decides what becomes of it, or stop PostgreSQL; then run this again`,
        },
      ],
    );
  });
}
