import { createHash } from 'node:crypto';
import { WORK_DIRECTORY } from '../../shell/lock.js';
import { seconds } from '../../shell/patience.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import { OWNED_BY_ROOT } from '../files/path.js';
import { writeFileScript } from '../files/writing.js';
import type { Change } from '../resource.js';
import {
  intersectOpenings,
  isV6,
  mergeOpenings,
  openingChanges,
  passage,
  subtractOpenings,
  udpPorts,
  uniteOpenings,
  withTexts,
  type Opening,
  type Passage,
} from './opening.js';

/** What firewalld has, permanently and at run time. */
export interface FirewalldState {
  running: boolean;
  /** Text of our policy's file; undefined where there is none. */
  file: string | undefined;
  /** What the policy lets through now. */
  runtime: Opening[];
}

/** Where firewalld looks for policies of the administrator. */
const POLICIES = '/etc/firewalld/policies';

/** Characters that firewalld allows in a policy's name, because iptables bounds the names of chains. */
const NAME_LIMIT = 17;

/** Seconds until a reloaded firewalld has to have the rules in force. */
const PATIENCE = 20;

/** Name of a cluster's policy, shortened with a digest where it would be too long. */
export function policyName(cluster: string): string {
  const name = `pgprov-${cluster}`;
  if (name.length <= NAME_LIMIT) return name;
  const digest = createHash('sha256').update(cluster).digest('hex').slice(0, 5);
  return `pgprov-${cluster.slice(0, NAME_LIMIT - 'pgprov-'.length - digest.length)}${digest}`;
}

/**
 * Asks for the file and for what is in force. A policy, unlike a zone, applies whatever zone an interface is
 * in; firewalld knows them since 0.9, which EL has since 8.5.
 */
export function probeFirewalld(cluster: string): Script {
  const name = policyName(cluster);
  const path = `${POLICIES}/${name}.xml`;
  return sh`if command -v firewall-cmd >/dev/null 2>&1 && [ "$(systemctl is-active firewalld 2>/dev/null)" = active ]; then
echo running
timeout ${seconds(PATIENCE)} firewall-cmd --policy ${name} --list-rich-rules 2>/dev/null | sed 's/^/runtime /'
fi
if [ -f ${path} ]; then
sed 's/^/file /' ${path}
echo
fi`;
}

/** Reads the lines of `probeFirewalld`. */
export function parseFirewalld(lines: readonly string[]): FirewalldState {
  const after = (word: string): string[] => lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const file = after('file');
  return {
    running: lines.includes('running'),
    file: file.length > 0 ? `${file.join('\n')}\n` : undefined,
    runtime: openingsIn(after('runtime'), /\baddress="([^"]+)".*\b(?:port="(\d+)" protocol="(tcp|udp)"|protocol value="(vrrp)") accept$/u),
  };
}

/** What has to change for the file and the rules in force to be as desired. */
export function diffFirewalld(cluster: string, openings: readonly Opening[], state: FirewalldState): Change[] {
  const text = policyText(cluster, openings);
  const permanent = openingsIn(
    (state.file ?? '').split('</rule>'),
    /<source address="([^"]+)"\/>[\s\S]*<(?:port port="(\d+)" protocol="(tcp|udp)"|protocol value="(vrrp)")\/>/u,
  );
  const present = state.running ? intersectOpenings(permanent, state.runtime) : permanent;
  const changes = openingChanges(
    subtractOpenings(openings, present),
    subtractOpenings(uniteOpenings(permanent, state.runtime), openings),
    'firewalld',
  );
  const otherwise = `write ${POLICIES}/${policyName(cluster)}.xml`;
  return state.file === text ? changes : withTexts(changes, otherwise, state.file ?? '', text);
}

/** Writes the file and has it in force, or leaves everything as it was and says why. */
export function applyFirewalld(cluster: string, openings: readonly Opening[]): Script {
  const name = policyName(cluster);
  const path = `${POLICIES}/${name}.xml`;
  const rules = openings.reduce((count, { ports }) => count + ports.length, 0);
  const former = `${WORK_DIRECTORY}/${name}.xml`;
  return joinScripts([
    sh`if ! firewall-cmd --get-policies >/dev/null 2>&1; then
echo "firewalld $(firewall-cmd --version 2>/dev/null) has no policies: 0.9 or later is needed"
exit 1
fi
mkdir -p ${POLICIES}
[ ! -f ${path} ] || cp -p ${path} ${former}
give_up() {
if [ -f ${former} ]; then cp -p ${former} ${path}; else rm -f ${path}; fi
firewall-cmd --reload >/dev/null 2>&1 || :
echo "$1; the former rules are back:"
echo "$2"
exit 1
}`,
    writeFileScript(path, policyText(cluster, openings), OWNED_BY_ROOT),
    sh`words=$(firewall-cmd --check-config 2>&1) || give_up 'firewalld does not accept its configuration' "$words"
words=$(firewall-cmd --reload 2>&1) || give_up 'firewalld could not be reloaded' "$words"
waited=0
until [ "$(firewall-cmd --policy ${name} --list-rich-rules 2>/dev/null | grep -c accept)" = ${rules} ]; do
[ "$waited" -lt ${seconds(PATIENCE)} ] || give_up 'firewalld did not put the rules in force' "$(journalctl -u firewalld -n 5 -o cat --no-pager 2>/dev/null)"
sleep 1
waited=$((waited + 1))
done`,
  ]);
}

/** The policy file: before everything that zones say, and without a say in what it does not name. */
export function policyText(cluster: string, openings: readonly Opening[]): string {
  const rules = openings.flatMap(({ source, ports }) =>
    ports.map(
      (port) =>
        `  <rule family="${isV6(source) ? 'ipv6' : 'ipv4'}"><source address="${escapeXml(source)}"/>${elementOf(port)}<accept/></rule>\n`,
    ),
  );
  return `<?xml version="1.0" encoding="utf-8"?>
<!-- Managed by pgprov: changes made here are undone by the next \`pgprov apply\`. -->
<policy priority="-100" target="CONTINUE">
  <short>${escapeXml(`pgprov ${cluster}`)}</short>
  <description>What the members and clients of the PostgreSQL cluster ${escapeXml(cluster)} may reach here.</description>
  <ingress-zone name="ANY"/>
  <egress-zone name="HOST"/>
${rules.join('')}</policy>
`;
}

function elementOf(wanted: Passage): string {
  if (wanted === 'vrrp') return `<protocol value="${wanted}"/>`;
  const [port = wanted] = udpPorts({ ports: [wanted] });
  return `<port port="${port}" protocol="${typeof wanted === 'number' ? 'tcp' : 'udp'}"/>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** Source and port, or protocol, of every text that the pattern finds them in. */
function openingsIn(texts: readonly string[], pattern: RegExp): Opening[] {
  return mergeOpenings(
    texts.flatMap((text) => {
      const [, source, port, transport, protocol] = pattern.exec(text) ?? [];
      if (source === undefined) return [];
      return [{ sources: [source], ports: [protocol === 'vrrp' ? protocol : passage(Number(port), transport === 'udp' ? 'udp' : 'tcp')] }];
    }),
  );
}
