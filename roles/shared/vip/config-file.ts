import {
  digestOf,
  directory,
  file,
  handle,
  joinScripts,
  sh,
  type Host,
  type Inventory,
  type PathState,
  type Resource,
  type RoleContext,
} from '../../../src/index.js';
import { startsAgain } from '../drop-in.js';
import { STATISTICS_SOCKET } from '../haproxy/config-file.js';
import { hostsWith, restApiUrl } from '../layout.js';
import { variables } from '../variables.js';
import { addressOf, follows } from './address.js';

/** keepalived's unit, and the path of its configuration, in all packages. */
export const KEEPALIVED_UNIT = 'keepalived';
export const KEEPALIVED_CONFIG = '/etc/keepalived/keepalived.conf';

/** The policy of SELinux lets keepalived run what is in here, unconfined. */
const SCRIPTS = '/usr/libexec/keepalived';
const SCRIPT = `${SCRIPTS}/pgprov-check`;

/** How the configuration begins, by which it is known whose it is. */
export function ownerWords(cluster: string): string {
  return `# Managed by pgprov for the cluster ${cluster}:`;
}

/** The line that the configuration has once the host was given the address to take over. */
export function addressLine(host: Host, { cluster }: Pick<Inventory, 'cluster'>): string {
  return `# Address ${addressOf(host).address} of the cluster ${cluster}.`;
}

/** What is seen of keepalived's configuration on a host. */
export interface KeepalivedConfigState {
  /** The network interface for the address; undefined: none of the host has its cluster address. */
  interface: string | undefined;
  file: PathState;
}

/** What is seen of keepalived's configuration. */
export const KEEPALIVED = handle<KeepalivedConfigState>('keepalived-config');

/** keepalived's configuration with what it reads, and the name that its process has with it. */
export interface KeepalivedConfiguration {
  config: Resource<KeepalivedConfigState>;
  /** What comes before it: the script that it runs. */
  before: readonly Resource[];
  /** What systemd is to know of the unit. */
  unit: readonly Resource[];
  mark: string;
}

/** keepalived's configuration, which takes its place only once keepalived has accepted it. */
export function keepalivedConfiguration(context: RoleContext): KeepalivedConfiguration {
  const { host, inventory, platform, template } = context;
  const proxy = follows(host) === 'haproxy';
  const script = template('vip/check.sh', proxy ? { proxy, socket: STATISTICS_SOCKET } : { proxy, restApi: restApiUrl(host) });
  const render = (mark: string, name: string): string =>
    template('vip/keepalived.conf', { ...values(host, inventory), mark, interface: name });
  const given = variables(host, 'vip').interface;
  const mark = `pgprov-${digestOf(render('', given ?? ''), script).slice(0, 8)}`;
  return {
    mark,
    config: configFile((name) => render(mark, name), host),
    // EL's package has the directory.
    before: [...(platform.family === 'el' ? [] : [directory({ path: SCRIPTS })]), file({ path: SCRIPT, mode: '0755', content: script })],
    unit: startsAgain(
      context,
      KEEPALIVED_UNIT,
      'a keepalived that was killed leaves its address behind, and one that starts takes it away.',
    ),
  };
}

function values(host: Host, inventory: Inventory): object {
  const { address, router_id, check_interval, advert_interval } = variables(host, 'vip');
  return {
    cluster: inventory.cluster,
    owner: ownerWords(inventory.cluster),
    ours: addressLine(host, inventory),
    host: host.name,
    script: SCRIPT,
    proxy: follows(host) === 'haproxy',
    interval: check_interval,
    routerId: router_id,
    advertInterval: (advert_interval / 1000).toFixed(2),
    source: host.clusterAddress,
    peers: hostsWith(inventory, 'vip')
      .filter(({ name }) => name !== host.name)
      .map(({ clusterAddress }) => clusterAddress),
    address,
  };
}

/** The file names the interface, which only the host knows where the inventory does not say. */
function configFile(render: (name: string) => string, host: Host): Resource<KeepalivedConfigState> {
  const written = (name: string): Resource<PathState> =>
    file({
      path: KEEPALIVED_CONFIG,
      content: render(name),
      check: sh`words=$(keepalived -t -f "$new" 2>&1) || {
printf '%s\n' "$words"
echo 'keepalived refuses this configuration; the one that it runs with stays'
exit 1
}`,
    });
  const given = variables(host, 'vip').interface;
  const whole = written(given ?? '');
  return {
    ...KEEPALIVED,
    ...(whole.sharedQuestions === undefined ? {} : { sharedQuestions: whole.sharedQuestions }),
    probe: () =>
      joinScripts([
        given === undefined
          ? sh`echo "$(ip -o -4 addr show to ${`${host.clusterAddress}/32`} 2>/dev/null | { read -r number name rest; echo "$name"; })"`
          : sh`echo ${given}`,
        whole.probe(),
      ]),
    parse: (answer) => {
      const end = answer.out.indexOf(0x0a);
      const name = answer.out.subarray(0, Math.max(end, 0)).toString('utf8').trim();
      return { interface: name === '' ? undefined : name, file: whole.parse({ ...answer, out: answer.out.subarray(end + 1) }) };
    },
    diff: ({ interface: name, file: state }) => written(name ?? '').diff(state),
    apply: (changes, { interface: name, file: state }) => written(name ?? '').apply(changes, state),
    digest: () => whole.digest(),
  };
}
