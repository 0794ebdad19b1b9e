import { UnreachableError } from '../lib/errors.js';
import { systemReason } from '../lib/system-reason.js';
import { fingerprint, hostKeyAlgorithms, judge, type Verdict } from './host-key.js';
import { appendHostKey, keyTypeOf, knownHostsFiles, knownName, KnownHosts } from './known-hosts.js';
import type { ConnectionFacts, HostKeys, SshEndpoint, Target } from './transport.js';
import { UnknownHostKey } from './unknown-keys.js';

/** A key that was shown, by whom, and how it is checked. */
interface Shown {
  endpoint: SshEndpoint;
  host: string;
  blob: Buffer;
  /** The file for new keys. */
  file: string;
  policy: HostKeys['policy'];
}

function refusal(verdict: Exclude<Verdict, { is: 'known' }>, { endpoint, host, blob, file, policy }: Shown): UnreachableError {
  const { address, port, hostKeyAlias } = endpoint;
  const shown = `${keyTypeOf(blob)} ${fingerprint(blob)}`;
  const name = knownName(address, port, hostKeyAlias);
  if (verdict.is === 'revoked') {
    return new UnreachableError({
      kind: 'ssh/host-key-revoked',
      message: `${host} (${name}) shows the host key ${shown}, which ${verdict.by.file}:${verdict.by.line} marks as revoked`,
      hint: 'do not connect; find out why the key was revoked and give the host a new one',
      host,
    });
  }
  if (verdict.is === 'changed') {
    const known = verdict.known.map((key) => `${key.type} ${fingerprint(key.blob)} at ${key.file}:${key.line}`).join(', ');
    return new UnreachableError({
      kind: 'ssh/host-key-changed',
      message: `${host} (${name}) shows the host key ${shown}, but is known by ${known}`,
      hint: `this may be a man in the middle; if the host was reinstalled, check the new fingerprint on its console and run \`ssh-keygen -R '${name}' -f ${verdict.known[0].file}\``,
      host,
    });
  }
  const [authority] = verdict.authorities;
  const line =
    hostKeyAlias === undefined
      ? `ssh-keyscan -p ${port} ${address} >> ${file}`
      : `ssh-keyscan -p ${port} ${address} | sed 's/^[^ ]*/${name}/' >> ${file}`;
  if (authority !== undefined) {
    return new UnreachableError({
      kind: 'ssh/host-certificate',
      message: `${host} (${name}) shows the host key ${shown}, which is in no known_hosts file; ${authority.file}:${authority.line} trusts a certificate authority (@cert-authority) for it, but pgprov cannot check host certificates`,
      hint: `compare the fingerprint with the host's console, then add the plain key: \`${line}\``,
      host,
    });
  }
  const key = { host, name, type: keyTypeOf(blob), fingerprint: fingerprint(blob), blob: Buffer.from(blob), file, policy };
  return new UnknownHostKey(key, {
    message: `${host} (${name}) shows the host key ${shown}, which is in no known_hosts file`,
    hint: `compare the fingerprint with the host's console, then run \`${line}\`; ${policy === 'ask' ? 'at a terminal pgprov asks about such keys; ' : ''}or set ssh.host_key_policy: accept-new`,
  });
}

/** One writer at a time a file, so that hosts connecting at once do not write the same line twice. */
const writers = new Map<string, Promise<unknown>>();

async function inTurn<T>(file: string, work: () => Promise<T>): Promise<T> {
  const mine = (writers.get(file) ?? Promise.resolve()).then(work, work);
  writers.set(file, mine);
  try {
    return await mine;
  } finally {
    if (writers.get(file) === mine) writers.delete(file);
  }
}

/** Checks the host key of one connection being made, and keeps what became of it. */
export class HostKeyCheck {
  /** Set once the key was refused. */
  refused: UnreachableError | undefined;
  readonly algorithms: string[];
  readonly #hosts: KnownHosts;
  readonly #files: readonly string[];
  readonly #file: string;
  readonly #endpoint: SshEndpoint;
  readonly #host: string;
  readonly #policy: Target['hostKeys']['policy'];
  #accepted: Buffer | undefined;
  #known: { file: string; line: number } | undefined;
  #isNew = false;

  private constructor(
    hosts: KnownHosts,
    files: readonly string[],
    endpoint: SshEndpoint,
    host: string,
    policy: Target['hostKeys']['policy'],
  ) {
    this.#hosts = hosts;
    this.#files = files;
    this.#file = files[0] ?? '';
    this.#endpoint = endpoint;
    this.#host = host;
    this.#policy = policy;
    this.algorithms = hostKeyAlgorithms(hosts, endpoint);
  }

  /**
   * @param host inventory name, for messages
   * @throws UnreachableError `ssh/known-hosts-unreadable`
   */
  static async load(endpoint: SshEndpoint, host: string, hostKeys: Target['hostKeys']): Promise<HostKeyCheck> {
    const files = knownHostsFiles(hostKeys);
    return new HostKeyCheck(await KnownHosts.load(files), files, endpoint, host, hostKeys.policy);
  }

  /** Whether to continue with this key; asked again at each re-keying, where only the same key will do. */
  verify(blob: Buffer): boolean {
    if (this.#accepted !== undefined) return this.#accepted.equals(blob);
    const verdict = judge(this.#hosts, this.#endpoint, blob);
    // Whoever trusts an authority for a host expects a certificate, so its plain key is not taken unseen.
    const isNew = verdict.is === 'unknown' && verdict.authorities.length === 0;
    if (verdict.is !== 'known' && !(isNew && this.#policy === 'accept-new')) {
      this.refused = refusal(verdict, this.#shown(blob));
      return false;
    }
    this.#isNew = isNew;
    if (verdict.is === 'known') this.#known = verdict.by;
    this.#accepted = Buffer.from(blob);
    return true;
  }

  #shown(blob: Buffer): Shown {
    return { endpoint: this.#endpoint, host: this.#host, blob, file: this.#file, policy: this.#policy };
  }

  /** The accepted key and where it is known from. */
  get facts(): ConnectionFacts['hostKey'] {
    const blob = this.#accepted ?? Buffer.alloc(0);
    const { file, line } = this.#known ?? { file: this.#file };
    return { type: keyTypeOf(blob), fingerprint: fingerprint(blob), file, ...(line === undefined ? {} : { line }) };
  }

  /**
   * Writes a newly accepted key down. Called once the handshake is through, because ssh2 asks for the verdict before
   * it has checked that the host owns the key.
   * @throws UnreachableError when another connection recorded a different key meanwhile, or the file cannot be written
   */
  async record(): Promise<void> {
    const blob = this.#accepted;
    if (!this.#isNew || blob === undefined) return;
    await inTurn(this.#file, async () => {
      const { address, port, hostKeyAlias } = this.#endpoint;
      const verdict = judge(await KnownHosts.load(this.#files), this.#endpoint, blob);
      if (verdict.is === 'known') return;
      if (verdict.is !== 'unknown') throw refusal(verdict, this.#shown(blob));
      try {
        await appendHostKey(this.#file, knownName(address, port, hostKeyAlias), blob);
      } catch (cause) {
        throw new UnreachableError({
          kind: 'ssh/known-hosts-unwritable',
          message: `cannot record the host key of ${this.#host} in ${this.#file}: ${systemReason(cause)}`,
          hint: 'make the file writable, or name another one first',
          host: this.#host,
          cause,
        });
      }
    });
  }
}
