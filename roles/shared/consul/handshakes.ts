import { addressOf, TLS_HANDSHAKES, tlsHandshakes, type Host, type Observation, type RoleContext, type View } from '../../../src/index.js';
import { tlsFiles } from '../layout.js';
import { CONSUL_PORTS } from './servers.js';

/** From the host to its own agent, with the agent's files: it takes requests of its own host alone. */
export function agentHandshakes({ platform }: RoleContext): Observation {
  const { unit } = platform.consul;
  return tlsHandshakes({ files: tlsFiles(platform.consul), listeners: [`127.0.0.1:${CONSUL_PORTS.https}`], unit });
}

/** The agent presents the certificate in its file, and it began after its authorities were written. */
export function agentUsesItsFiles(view: View, host: Host, fingerprint: string | undefined): boolean | undefined {
  const seen = view.read(host.name, TLS_HANDSHAKES);
  const [own] = (seen?.handshakes ?? []).filter(({ listener }) => addressOf(listener) === '127.0.0.1');
  if (seen?.authorityLoaded === undefined || own?.presented === undefined) return undefined;
  return seen.authorityLoaded && own.presented === fingerprint;
}
