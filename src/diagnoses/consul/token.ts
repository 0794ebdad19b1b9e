import {
  consulAccess,
  consulAccessHandle,
  defineDiagnosis,
  enumerate,
  pgprov,
  topologyOf,
  type ConsulAccess,
  type Examination,
  type Finding,
  type LoggedLine,
} from '../../index.js';
import { consulPrefix } from '../../../roles/shared/consul/patroni-token.js';
import { consulClient, isConsulAgent } from '../../../roles/shared/consul/servers.js';
import { asEvidence } from '../shared/lines.js';

/** Agents tell Consul of themselves every few seconds up to a minute; what does not come again is over. */
const RECENT = 120_000;

/** What an agent writes whose own token is not let in. */
const BLOCKED = /(?:Node info|Coordinate) update blocked by ACLs|ACL not found/u;

/** A token that Consul does not take, does not know any more, or that is not on the host. */
export default defineDiagnosis({
  name: 'consul-token',
  looksAt: 'the tokens of Consul',
  asks: ({ host, platform, inventory }) => {
    if (!isConsulAgent(host)) return [];
    const isMember = topologyOf(host) === 'patroni';
    const path = `/v1/kv/${encodeURI(`${consulPrefix({ host, inventory })}initialize`)}`;
    return [
      ...(isMember ? [consulAccess('patroni', consulClient(platform, 'patroni'), path)] : []),
      ...(host.roles.includes('consul') ? [consulAccess('management', consulClient(platform, 'management'), '/v1/acl/tokens')] : []),
    ];
  },
  find: (examination) => [...refused(examination, 'management'), ...refused(examination, 'patroni'), ...agentsRefused(examination)],
});

const OWNERS = {
  patroni: {
    whose: 'Patroni',
    level: 'broken',
    follows: 'Patroni there cannot read or write its store: the leader gives the lead up, and no standby takes it',
    explains: ['member-down', 'no-leader', 'failsafe', 'initialize-key'],
  },
  management: {
    whose: 'pgprov (the management token)',
    level: 'danger',
    follows: 'Consul works on; pgprov cannot see or change its servers and tokens',
    explains: [],
  },
} as const;

function refused(examination: Examination, owner: keyof typeof OWNERS): Finding[] {
  const { view } = examination;
  const { whose, level, follows, explains } = OWNERS[owner];
  const hosts = view.inventory.hosts.flatMap(({ name }) => {
    const access = view.read(name, consulAccessHandle(owner));
    return access?.isLetIn === false ? [{ name, access }] : [];
  });
  if (hosts.length === 0) return [];
  const names = hosts.map(({ name }) => name);
  return [
    {
      level,
      ...(names.length === 1 && names[0] !== undefined ? { host: names[0] } : {}),
      what: `Consul refuses the token of ${whose} on ${enumerate(names)}`,
      evidence: hosts.map(({ name, access }) => ({ host: name, source: 'consul', line: wordsOf(access) })),
      follows,
      mend: mendOf(
        examination,
        owner,
        hosts.map(({ access }) => access),
      ),
      explains: [...explains],
      affects: names,
    },
  ];
}

function wordsOf({ hasFile, said }: ConsulAccess): string {
  return hasFile ? said || 'it refuses' : `${said || 'it refuses'}; the file with the token is not there`;
}

function mendOf({ view }: Examination, owner: keyof typeof OWNERS, all: readonly ConsulAccess[]): string {
  const isLost = owner === 'management' && all.some(({ hasFile }) => hasFile);
  // Its server makes it of its configuration when it takes the lead.
  const before = isLost
    ? '`systemctl restart consul`, as root on the server that leads: the next leader makes it anew of its configuration; then '
    : '';
  return `${before}${pgprov`apply ${view.inventory}`} gives Consul and the hosts the tokens that belong there`;
}

/** The agents' own token, which pgprov has in no file that could be tried: they say it themselves. */
function agentsRefused({ view, log, now }: Examination): Finding[] {
  return view.inventory.hosts.filter(isConsulAgent).flatMap(({ name: host }) => {
    const lines: readonly LoggedLine[] = log(host, 'consul').filter(({ text, at }) => BLOCKED.test(text) && now - at < RECENT);
    if (lines.length < 2) return [];
    return [
      {
        level: 'danger' as const,
        host,
        what: 'Consul refuses the token of its agent',
        evidence: lines.slice(-2).map(asEvidence),
        follows: 'Consul does not learn of this agent any more; should its node be taken out, the session of its member goes with it',
        mend: `${pgprov`apply ${view.inventory}`} gives the agents their token anew`,
      },
    ];
  });
}
