import { insistAtRest } from '../data-at-rest.js';
import { DATA_COPY, dataCopy, defineIdentity, type DataCopy } from '../data-copy.js';
import { ASIDE } from '../put-aside.js';
import { digestOf, type Resource } from '../resource.js';
import { RESTORE_NOTES } from './place.js';
import { sh } from '../../shell/quote.js';

/** Which data comes back to its place. */
export interface DataReturnedOptions {
  path: string;
  /** `DataCopy.identity` of the data that was put aside. */
  identity: string;
  /** Patroni's unit, which must be down. */
  unit: string;
}

/**
 * Data that was put aside is in its place again; what has taken the place is put aside instead, unless it is empty. Nothing is noted of that any more:
 * when it is removed, another backup may be restored with the same inode and times.
 */
export function dataReturned({ path, identity, unit }: DataReturnedOptions): Resource<DataCopy> {
  return {
    ...dataCopy(path),
    id: `${DATA_COPY.id}:${path}`,
    diff: (state) =>
      state.identity === identity ? [] : [{ action: 'update', summary: `put the data in ${state.aside[identity] ?? '?'} back to ${path}` }],
    apply: () => sh`${defineIdentity}
if systemctl -q is-active ${unit}; then
echo ${`${unit} runs on this host`}
exit 1
fi
kept=
for beside in ${path}${ASIDE}*; do
[ ! -d "$beside" ] || [ "$(identity "$beside")" != ${identity} ] || kept=$beside
done
if [ -z "$kept" ]; then
echo ${`the data that was put aside is not beside ${path} any more`}
exit 1
fi
${insistAtRest(path)}
put=$(identity ${path})
if [ -d ${path} ] && ! rmdir ${path} 2>/dev/null; then mv -T ${path} ${path}${ASIDE}"$(date +%Y%m%dT%H%M%S)"; fi
mv -T "$kept" ${path} || exit 1
[ -z "$put" ] || rm -f ${RESTORE_NOTES}/*."$put"`,
    digest: () => digestOf(DATA_COPY.id, path, identity, 'returned'),
  };
}
