import { seconds } from '../../shell/patience.js';
import { sh, type Script } from '../../shell/quote.js';
import { handle } from '../handle.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { expand } from '../server-process.js';
import { printAnswer } from '../shared-question.js';
import { etcdctl, isLearner, statusQuestion, type EtcdClient } from './client.js';

/** A member that is to be part of an etcd that exists. */
export interface EtcdMembershipOptions {
  /** Its name in etcd, which is the host's. */
  name: string;
  /** Where the others are to reach it. */
  peerUrl: string;
  /** Its host as a client: the own member first. */
  client: EtcdClient;
  /** etcd's own directory. */
  dataDirectory: string;
  /** What etcd reads its settings from. */
  environmentFile: string;
  /** Its systemd unit, without `.service`. */
  unit: string;
}

/** What shows how far a member has come that joins others. */
export interface EtcdMembershipState {
  hasData: boolean;
  /** Its settings say that it joins others. */
  joins: boolean;
  /** Its member runs, and has no vote yet. */
  learner: boolean;
}

/** The observation's id, for guards. */
export const ETCD_JOINED = handle<EtcdMembershipState>('etcd-joined');

/** Seconds for which it is waited until etcd takes another member, and until it has caught up. */
const TAKEN_WITHIN = 120;
const CAUGHT_UP_WITHIN = 600;

/**
 * A member that the others do not list, or that they await, is added to them as a learner, and its settings say that it joins them. One learner at a
 * time: etcd takes no other meanwhile. The members' names come with their peer URLs, as `member add` would print them.
 */
export function etcdJoined(options: EtcdMembershipOptions): Resource<EtcdMembershipState> {
  const { name, peerUrl, environmentFile } = options;
  return {
    ...seen(options),
    id: ETCD_JOINED.id,
    diff: ({ hasData, joins }): Change[] =>
      hasData || joins ? [] : [{ action: 'run', summary: `add ${name} to the members of etcd, as a learner` }],
    apply: () => sh`began=$(date +%s)
until listed=$(${others(options, ['member', 'list'])} 2>&1) && { printf '%s\n' "$listed" | grep -qF ${`, ${peerUrl}, `} || said=$(${others(options, ['member', 'add', name, '--learner', `--peer-urls=${peerUrl}`])} 2>&1); }; do
if [ $(($(date +%s) - began)) -ge ${seconds(TAKEN_WITHIN)} ]; then
echo 'etcd takes no other member now:'
printf '%s\n' "${expand('said:-$listed')}" | tail -n 1
exit 1
fi
note 'waiting until etcd takes another member'
sleep 2
done
listed=$(${others(options, ['member', 'list'])}) || exit 1
initial=$(printf '%s\n' "$listed" | awk -F ', ' -v own=${peerUrl} -v name=${name} '{ if ($4 == own) $3 = name; if ($3 != "") printf "%s%s=%s", n++ ? "," : "", $3, $4 }')
case "$initial" in *${`${name}=${peerUrl}`}*) ;; *) echo 'etcd does not list the new member:'; printf '%s\n' "$listed"; exit 1 ;; esac
settings=$(awk -v initial="$initial" ${SET_JOINING} ${environmentFile}) && printf '%s\n' "$settings" >${environmentFile}`,
    digest: () => digestOf(ETCD_JOINED.id, name, peerUrl),
  };
}

/** A learner is given its vote once it has caught up with the others. */
export function etcdVotes(options: EtcdMembershipOptions): Resource<EtcdMembershipState> {
  const { name, peerUrl, unit } = options;
  const id = 'etcd-votes';
  return {
    ...seen(options),
    id,
    diff: ({ hasData, learner }): Change[] =>
      hasData && !learner ? [] : [{ action: 'run', summary: `give ${name} a vote in etcd, once it has caught up` }],
    apply: () => sh`began=$(date +%s)
while :; do
listed=$(${others(options, ['member', 'list'])} 2>&1) || listed=
own=$(printf '%s\n' "$listed" | awk -F ', ' -v own=${peerUrl} '$4 == own { print $1, $6 }')
case "$own" in
*' false') break ;;
*' true') ! said=$(${others(options, ['member', 'promote'])} "${expand('own%% *')}" 2>&1) || break ;;
*) said='etcd does not list it' ;;
esac
if systemctl -q is-failed ${unit} || [ $(($(date +%s) - began)) -ge ${seconds(CAUGHT_UP_WITHIN)} ]; then
echo 'it has no vote yet:'
journalctl -q -u ${unit} -n 6 -o cat --no-pager 2>/dev/null || :
printf '%s\n' "$said" | tail -n 1
exit 1
fi
note 'waiting until it has caught up with the other members'
sleep 1
done`,
    digest: () => digestOf(id, name, peerUrl),
  };
}

/** For awk: the settings of a member that joins others; etcd reads both only while it has no data. */
const SET_JOINING = `/^ETCD_INITIAL_CLUSTER_STATE=/ { print "ETCD_INITIAL_CLUSTER_STATE=\\"existing\\""; next }
/^ETCD_INITIAL_CLUSTER=/ { print "ETCD_INITIAL_CLUSTER=\\"" initial "\\""; next }
{ print }`;

/** etcdctl on the host, with the other members. */
function others({ client }: EtcdMembershipOptions, words: readonly string[]): Script {
  return etcdctl({ ...client, endpoints: otherEndpoints(client) }, words);
}

function otherEndpoints({ endpoints }: EtcdClient): string[] {
  return endpoints.slice(1);
}

/** What both look at. */
function seen({
  client,
  dataDirectory,
  environmentFile,
}: EtcdMembershipOptions): Pick<Resource<EtcdMembershipState>, 'sharedQuestions' | 'probe' | 'parse'> {
  const status = statusQuestion(client);
  return {
    sharedQuestions: [status],
    probe: () => sh`if [ -d ${`${dataDirectory}/member`} ]; then echo data
elif grep -q ${'^ETCD_INITIAL_CLUSTER_STATE="\\?existing"\\?$'} ${environmentFile} 2>/dev/null; then echo joins
else echo nodata
fi
${printAnswer(status)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const hasData = text.startsWith('data\n');
      return { hasData, joins: text.startsWith('joins\n'), learner: hasData && isLearner(text, client) };
    },
  };
}
