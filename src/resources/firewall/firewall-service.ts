import { seconds } from '../../shell/patience.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import { OWNED_BY_ROOT } from '../files/path.js';
import { writeFileScript } from '../files/writing.js';
import { answerLines, digestOf, type Change, type Resource } from '../resource.js';
import type { FirewallName } from './firewall.js';

/** Whether a firewall runs, now and after a boot. */
export interface FirewallServiceState {
  enabled: boolean;
  running: boolean;
}

/** A firewall that is to run. */
export interface FirewallServiceOptions {
  backend: FirewallName;
  /** Let in from everywhere before it is started, so that nobody is locked out. */
  sshPorts: readonly number[];
}

/** The policy that lets SSH in; made once, and from then on the administrator's. No cluster's policy has such a name. */
const SSH_POLICY = '/etc/firewalld/policies/ssh-by-pgprov.xml';

/** ufw runs once it is enabled, whatever its unit says. */
const RUNNING: Record<FirewallName, Script> = {
  firewalld: sh`[ "$(systemctl is-active firewalld 2>/dev/null)" = active ]`,
  ufw: sh`ufw status 2>/dev/null | grep -q '^Status: active'`,
  nftables: sh`[ "$(systemctl is-active nftables 2>/dev/null)" = active ]`,
};

/** A firewall that runs and starts at boot. SSH is let in before it is started; who started it himself has seen to that. */
export function firewallService({ backend, sshPorts }: FirewallServiceOptions): Resource<FirewallServiceState> {
  const id = `firewall-service:${backend}`;
  return {
    id,
    probe: () => sh`if [ "$(systemctl is-enabled ${backend} 2>/dev/null)" = enabled ]; then echo enabled; fi
if ${RUNNING[backend]}; then echo running; fi`,
    parse: (answer) => {
      const lines = answerLines(answer);
      return { enabled: lines.includes('enabled'), running: lines.includes('running') };
    },
    diff: ({ enabled, running }): Change[] => [
      ...(enabled ? [] : [{ action: 'enable' as const, summary: `enable ${backend}` }]),
      ...(running
        ? []
        : [
            {
              action: 'start' as const,
              summary: `start ${backend}${backend === 'nftables' ? '' : `, with SSH (${sshPorts.join(', ')}) allowed`}`,
            },
          ]),
    ],
    apply: (changes) =>
      joinScripts([
        ...(changes.some(({ action }) => action === 'start') ? [startScript(backend, sshPorts)] : []),
        sh`systemctl -q enable ${backend}`,
      ]),
    digest: () => digestOf(id, ...sshPorts),
  };
}

function startScript(backend: FirewallName, sshPorts: readonly number[]): Script {
  const start = sh`systemctl reset-failed ${backend} 2>/dev/null || :
if ! timeout ${seconds(60)} systemctl start ${backend}; then
journalctl -u ${backend} -n 12 -o cat --no-pager 2>/dev/null || :
exit 1
fi`;
  if (backend === 'firewalld') {
    return joinScripts([
      sh`mkdir -p /etc/firewalld/policies`,
      writeFileScript(SSH_POLICY, sshPolicy(sshPorts), OWNED_BY_ROOT),
      // The bus read the rules of polkit, which came with firewalld, before there was a user polkitd.
      sh`systemctl reload dbus 2>/dev/null || :`,
      start,
    ]);
  }
  if (backend === 'nftables') return start;
  // ufw takes rules while it is off, and is content with one that it has already.
  return joinScripts([...sshPorts.map((port) => sh`ufw allow proto tcp from any to any port ${port} comment SSH`), sh`ufw --force enable`]);
}

function sshPolicy(sshPorts: readonly number[]): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<!-- Made by pgprov when it started firewalld, and not touched again. -->
<policy priority="-100" target="CONTINUE">
  <short>pgprov SSH</short>
  <ingress-zone name="ANY"/>
  <egress-zone name="HOST"/>
${sshPorts.map((port) => `  <port port="${port}" protocol="tcp"/>\n`).join('')}</policy>
`;
}
