import { seconds } from '../../shell/patience.js';
import { sh } from '../../shell/quote.js';
import { DATA_COPY, dataCopy, type DataCopy } from '../data-copy.js';
import { patroniRequest } from './request.js';
import type { RestCredentials } from './rest.js';
import { digestOf, NOTHING_DONE, type Resource } from '../resource.js';

/** Whose data Patroni is to make anew. */
export interface PatroniReinitializeOptions extends RestCredentials {
  /** REST API of the member itself, `http://10.0.0.13:8008`. */
  url: string;
  /** Its data directory. */
  path: string;
  /** `DataCopy.identity` of the copy that is given up; another one stays. */
  identity: string;
}

/** Seconds that Patroni may take to answer: it only notes what it is to do. */
const ANSWER_WITHIN = 30;

/** Seconds in which the former copy has to be gone: PostgreSQL is stopped before, and a large directory takes long to remove. */
const GONE_WITHIN = 600;

/** A copy of the database that Patroni has removed, to copy the leader's in its place. Patroni answers before it begins. */
export function patroniReinitialize(options: PatroniReinitializeOptions): Resource<DataCopy> {
  const { path, identity } = options;
  const copy = dataCopy(path);
  return {
    ...copy,
    id: `patroni-reinitialize:${path}`,
    diff: (state) => (state.identity === identity ? [{ action: 'run', summary: `have Patroni remove the data in ${path}` }] : []),
    apply: () => sh`began=$(date +%s)
${patroniRequest({ ...options, method: 'POST', path: '/reinitialize', body: {}, seconds: ANSWER_WITHIN })}
case "$code:$said" in
200:*|503:*'already in progress'*) ;;
*)
echo "Patroni did not begin to make the data anew: $said (HTTP $code)"
[ "$code" != 000 ] || exit 1
exit ${NOTHING_DONE}
;;
esac
while [ -f ${`${path}/PG_VERSION`} ] && [ "$(stat -c '%i-%Y' ${`${path}/PG_VERSION`} 2>/dev/null)" = ${identity} ]; do
if [ $(($(date +%s) - began)) -ge ${seconds(GONE_WITHIN)} ]; then
echo 'Patroni answered, but the former data is still there; its last words:'
journalctl -u patroni -n 12 -o cat --no-pager 2>/dev/null || :
exit 1
fi
note 'waiting until Patroni has removed the former data'
sleep 0.5
done`,
    digest: () => digestOf(DATA_COPY.id, 'patroni-reinitialize', path, identity),
  };
}
