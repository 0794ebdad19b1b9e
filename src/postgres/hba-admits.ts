import { BlockList, isIP, isIPv4 } from 'node:net';
import { parseHbaLine } from './hba.js';

/**
 * Whether a line of pg_hba.conf may let somebody in from an IP address: true also where the line has a name or a keyword in place of the
 * address, of which only the server knows whom it means.
 */
export function hbaAdmits(line: string, address: string, version: number): boolean {
  const parsed = parseHbaLine(line, version);
  if (parsed === 'nothing' || 'problem' in parsed) return false;
  if ('include' in parsed) return true;
  const { address: from, prefix, method } = parsed.rule;
  if (from === undefined || method === 'reject') return false;
  if (isIP(from) === 0 || isIP(address) === 0 || prefix === undefined) return true;
  const family = isIPv4(from) ? 'ipv4' : 'ipv6';
  if (isIPv4(from) !== isIPv4(address)) return false;
  const network = new BlockList();
  network.addSubnet(from, prefix, family);
  return network.check(address, family);
}
