import { PgprovError, ExitCode, UnreachableError } from '../lib/errors.js';
import type { Login } from './login.js';
import type { SshEndpoint } from './transport.js';

/** How far a connection had come. */
export type Phase = 'tcp' | 'handshake' | 'login';

/** What an error message tells about the connection it is about. */
export interface Attempted {
  endpoint: SshEndpoint;
  /** Inventory name of the target. */
  host: string;
  phase: Phase;
  /** The jump host in front of the endpoint, as `user@address:port`. */
  via?: string | undefined;
  /** Seconds the attempt was given. */
  seconds: number;
  login: Login;
}

/** `user@address:port`, with brackets around an IPv6 address. */
export function endpointName({ user, address, port }: SshEndpoint): string {
  return `${user}@${address.includes(':') ? `[${address}]` : address}:${port}`;
}

interface Reason {
  kind: string;
  what: string;
  hint: string;
}

function unreachable(attempted: Attempted, reason: Reason, cause: unknown): UnreachableError {
  const through = attempted.via === undefined ? '' : ` through ${attempted.via}`;
  return new UnreachableError({
    kind: reason.kind,
    message: `cannot connect to ${attempted.host} (${endpointName(attempted.endpoint)}${through}): ${reason.what}`,
    hint: reason.hint,
    host: attempted.host,
    cause,
  });
}

type Failure = Error & { code?: string | number; level?: string; reason?: number };

/** Reasons that a socket of ours and the words of a jump host have in common. */
function networkReason(text: string, attempted: Attempted): Reason | undefined {
  const { address, port } = attempted.endpoint;
  const where = attempted.via === undefined ? 'from this machine' : `from ${attempted.via}`;
  if (/ENOTFOUND|EAI_|ENODATA|not known|resol|No address associated|unknown host/iu.test(text)) {
    const kind = 'ssh/name-not-resolved';
    return {
      kind,
      what: `the name ${address} does not resolve ${where}`,
      hint: `check the spelling, or give an IP address; try: getent hosts ${address}`,
    };
  }
  if (/ECONNREFUSED|refused/iu.test(text)) {
    const kind = 'ssh/refused';
    return {
      kind,
      what: `nothing listens on port ${port} (connection refused)`,
      hint: 'check the port, that sshd runs, and the firewall of the host',
    };
  }
  if (/EHOSTUNREACH|ENETUNREACH|EHOSTDOWN|ENETDOWN|EADDRNOTAVAIL|no route|unreachable/iu.test(text)) {
    return {
      kind: 'ssh/no-route',
      what: `there is no route to it ${where}`,
      hint: 'check the address, the network and the VPN, or set a jump host',
    };
  }
  if (/ETIMEDOUT|timed out/iu.test(text)) {
    return {
      kind: 'ssh/timeout',
      what: `no answer on port ${port}`,
      hint: 'check that the host is up and that no firewall drops the connection',
    };
  }
  return undefined;
}

function authFailure(attempted: Attempted, server: string): Reason {
  const { tried, skipped, accepted } = attempted.login;
  const parts = [tried.length > 0 ? `tried ${tried.join(', then ')}` : 'there was no key or password to try'];
  if (skipped.length > 0) parts.push(`not tried: ${skipped.join(', ')}`);
  if (accepted.length > 0) parts.push(`the server takes ${accepted.join(', ')}`);
  return {
    kind: 'ssh/auth-failed',
    what: `the server refused the login of ${attempted.endpoint.user}${server}; ${parts.join('; ')}`,
    hint: `add a public key of yours to ~${attempted.endpoint.user}/.ssh/authorized_keys on the host, or set user, identity_file or password`,
  };
}

function timeoutReason({ phase, seconds, endpoint }: Attempted): Reason {
  const kind = 'ssh/timeout';
  if (phase === 'tcp') {
    return {
      kind,
      what: `no answer on port ${endpoint.port} within ${seconds} s`,
      hint: 'check that the host is up and that no firewall drops the connection',
    };
  }
  const doing = phase === 'handshake' ? 'the SSH handshake' : 'the login';
  return {
    kind,
    what: `it took the connection but did not finish ${doing} within ${seconds} s`,
    hint: 'check that sshd listens there and is not overloaded, or raise the connect timeout',
  };
}

/** Says why a connection could not be made. */
export function connectFailure(cause: unknown, attempted: Attempted): PgprovError {
  if (cause instanceof PgprovError) return cause;
  const error = cause as Failure;
  if (error.level === 'client-timeout') return unreachable(attempted, timeoutReason(attempted), cause);
  if (error.level === 'client-authentication') return unreachable(attempted, authFailure(attempted, ''), cause);
  const network = attempted.phase === 'tcp' ? networkReason(`${error.code ?? ''} ${error.message}`, attempted) : undefined;
  if (network !== undefined) return unreachable(attempted, network, cause);
  if (attempted.phase === 'login') return unreachable(attempted, authFailure(attempted, ` (${error.message})`), cause);
  return unreachable(
    attempted,
    {
      kind: 'ssh/handshake',
      what: `the SSH handshake failed: ${error.message}`,
      hint: 'check that sshd answers on this port; a busy one drops connections over its MaxStartups; see its log',
    },
    cause,
  );
}

/** RFC 4254, 5.1 */
const ADMINISTRATIVELY_PROHIBITED = 1;

/** Says why a jump host could not open the way to the next hop. */
export function forwardFailure(cause: unknown, attempted: Attempted): PgprovError {
  if (cause instanceof PgprovError) return cause;
  const { message, reason: code } = cause as Failure;
  // OpenSSH's words are only `open failed`; the code says that it is a matter of policy.
  const prohibited = code === ADMINISTRATIVELY_PROHIBITED;
  const reason = (prohibited ? undefined : networkReason(message, attempted)) ?? {
    kind: 'ssh/jump-failed',
    what: `the jump host would not open the connection: ${message}`,
    hint: prohibited ? 'set AllowTcpForwarding yes in the sshd_config of the jump host' : 'see the log of sshd on the jump host',
  };
  return unreachable(attempted, reason, cause);
}

/** Wraps what went wrong with a jump host on the way to a target. */
export function jumpFailure(cause: PgprovError, host: string, hop: SshEndpoint, index: number, count: number): UnreachableError {
  const which = count === 1 ? 'jump host' : `jump host ${index + 1} of ${count},`;
  return new UnreachableError({
    kind: 'ssh/jump-failed',
    message: `cannot reach ${host}: ${which} ${endpointName(hop)}: ${cause.message}`,
    ...(cause.hint === undefined ? {} : { hint: cause.hint }),
    host,
    cause,
  });
}

/** A connection that was there and is no more. */
export function connectionLost(endpoint: SshEndpoint, host: string, cause: Error | undefined): UnreachableError {
  return new UnreachableError({
    kind: 'ssh/connection-lost',
    message: `lost the connection to ${host} (${endpointName(endpoint)}): ${cause?.message ?? 'the other side closed it'}`,
    hint: 'check that the host is up and run again; a run that was cut is safe to repeat',
    host,
    cause,
  });
}

/** The run was called off while connecting. */
export function connectAborted(endpoint: SshEndpoint, host: string, cause: unknown): PgprovError {
  return new PgprovError({
    kind: 'ssh/aborted',
    message: `connecting to ${host} (${endpointName(endpoint)}) was cancelled`,
    host,
    exitCode: ExitCode.interrupted,
    cause,
  });
}
