import type { RoleContext, UnitServer } from '../../../src/index.js';
import { dataDirectoryOf, localServer } from '../layout.js';
import { variables } from '../variables.js';

/** The server of a host without Patroni, with its unit and what has that start at boot. */
export function unitServer({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): UnitServer {
  const { version, name } = variables(host, 'postgresql');
  const { unit, standalone } = platform.postgresql(version);
  return {
    unit: unit(name),
    ...(standalone.by === 'postgresql-common'
      ? { startConf: `${standalone.configDirectory(name)}/start.conf`, logFile: standalone.logFile(name) }
      : {}),
    server: localServer(host, platform),
    data: dataDirectoryOf(host, platform),
  };
}
