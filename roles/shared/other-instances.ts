import { RUNNING, type Host, type Objection, type View } from '../../src/index.js';
import { placeOf } from './provenance.js';
import { variables } from './variables.js';

/** The port is another instance's: whoever asked this one would get that one's answers, so nothing else that is seen counts. */
export function guardPort(view: View, host: Host): Objection[] {
  const { port } = variables(host, 'postgresql');
  const { cluster } = view.inventory;
  const { postmasters = [], wantedDirectory } = view.read(host.name, RUNNING) ?? {};
  return postmasters
    .filter((server) => server.port === port && server.realDirectory !== wantedDirectory)
    .filter(({ clusters }) => clusters.length > 0 && !clusters.includes(cluster))
    .slice(0, 1)
    .map(({ clusters, dataDirectory, unit }) => ({
      kind: 'refuse',
      decisive: true,
      host: host.name,
      message: `${host.name}: postgresql.port is ${port}${placeOf(host, 'postgresql.port')}, and port ${port} is held by the instance of ${clusters.join(', ')} (${unit === '' ? dataDirectory : `${unit}, ${dataDirectory}`})`,
      hint: `give ${cluster} another postgresql.port: each instance on a host has its own`,
    }));
}
