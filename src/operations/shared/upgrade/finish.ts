import { enumerate, formatBytes, formerDataRemoved, upgradeForgotten, type OperationStep } from '../../../index.js';
import { bytesOf, dataOf, factsOf, members, placeOf, type UpgradeRun } from './seen.js';

/** The data of the former major is removed, and with it the way back. */
export function finishSteps(run: UpgradeRun): OperationStep[] {
  const { older, newer = 0, id = '', was = {} } = run.options;
  if (older === undefined) return [];
  const having = members(run).filter((host) => was[host] !== undefined && dataOf(run, host, older)?.identity === was[host]);
  const noting = members(run).filter((host) => placeOf(run, host).notes.some((note) => note.id === id));
  const sizes = having.map(
    (host) =>
      `${enumerate([dataOf(run, host, older)?.path ?? '', ...(factsOf(run, host)?.spaces[older] ?? []).map(({ location }) => `its tablespace of ${location}`)])} on ${host} (${formatBytes(bytesOf(run, host, older))})`,
  );
  return [
    ...(having.length === 0
      ? []
      : [
          {
            id: 'remove',
            title: `remove the data of PostgreSQL ${older} on ${enumerate(having)}`,
            effect: `${enumerate(sizes)}; there is no way back to ${older} then`,
            pointOfNoReturn: true as const,
            on: having,
            resources: ({ host: { name } }: { host: { name: string } }) => [
              formerDataRemoved(dataOf(run, name, older)?.path ?? '', was[name] ?? ''),
            ],
          },
        ]),
    ...(noting.length === 0
      ? []
      : [
          {
            id: 'forget',
            title: `have ${enumerate(noting)} forget the upgrade`,
            on: noting,
            resources: () => [upgradeForgotten({ from: older, to: newer, id })],
          },
        ]),
  ];
}
