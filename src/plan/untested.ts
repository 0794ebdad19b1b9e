import { enumerate } from '../lib/enumerate.js';
import { groupBy } from '../lib/group-by.js';
import type { View } from './view.js';

/** Says of hosts whose system pgprov was not tested on what it treats them like, a sentence for each system. */
export function untestedSystems(view: View): string[] {
  const hosts = view.inventory.hosts.flatMap(({ name }) => {
    const { title, takenFor } = view.platform(name) ?? {};
    return title === undefined || takenFor === undefined ? [] : [{ name, title, takenFor }];
  });
  return [...groupBy(hosts, ({ title }) => title).values()].map((alike) => {
    const [{ title, takenFor }] = alike;
    const names = alike.map(({ name }) => name);
    const [run, they] = names.length === 1 ? ['runs', 'it is'] : ['run', 'they are'];
    return `${enumerate(names)} ${run} ${title}, on which pgprov was not tested: ${they} treated like ${takenFor}`;
  });
}
