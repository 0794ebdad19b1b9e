import { DATA_COPY, dataCopy, defineIdentity, type DataCopy } from '../data-copy.js';
import type { Ownership } from '../files/path.js';
import { holdAtBoot } from '../put-off.js';
import { putAside } from '../put-aside.js';
import { digestOf, type Resource } from '../resource.js';
import { joinScripts, sh } from '../../shell/quote.js';
import { stopServer, type UnitServer } from './server-unit.js';
import { tablespacesAside } from './tablespaces.js';

/** A server whose data is to go aside. */
export interface ServerAsideOptions extends UnitServer {
  ownership: Ownership;
  /** `DataCopy.identity` of the data; another one stays where it is. */
  identity: string;
  /** `immediate`: pg_rewind is to have all WAL that is there. */
  mode: 'fast' | 'immediate';
}

/**
 * A server stopped, kept from starting at boot, and its data out of its place, kept beside it: so one that ran as a second primary takes no more
 * writes, and nothing brings it back as one. Its tablespaces are put aside with it.
 */
export function serverAside(options: ServerAsideOptions): Resource<DataCopy> {
  const { unit, data, identity, ownership, mode } = options;
  return {
    ...dataCopy(data, { movesTablespaces: true }),
    id: `${DATA_COPY.id}:${data}`,
    diff: (state) =>
      state.identity === identity ? [{ action: 'update', summary: `stop ${unit}, and put the data in ${data} aside` }] : [],
    apply: () =>
      joinScripts([
        sh`${holdAtBoot(options)}
${stopServer(options, mode)}
${defineIdentity}
if [ "$(identity ${data})" != ${identity} ]; then
echo ${`${data} holds another copy by now; run this again`}
exit 1
fi`,
        tablespacesAside(data),
        putAside(data, ownership),
      ]),
    digest: () => digestOf(DATA_COPY.id, data, identity),
  };
}
