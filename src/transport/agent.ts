import ssh2, { type IdentityCallback, type ParsedKey, type SignCallback, type SigningRequestOptions } from 'ssh2';

/** An ssh-agent whose keys have been listed already: ssh2 lets a login fail when it cannot list them itself. */
export class ListedAgent extends ssh2.BaseAgent<ParsedKey> {
  readonly keys: readonly ParsedKey[];
  /** The key that was asked for a signature last, which a server only does for one that it takes. */
  signedWith: ParsedKey | undefined;
  readonly #agent: ssh2.BaseAgent;

  constructor(agent: ssh2.BaseAgent, keys: readonly ParsedKey[]) {
    super();
    this.#agent = agent;
    this.keys = keys;
  }

  /** The same agent offering one key only; undefined when it does not hold that key (SSH wire format). */
  only(blob: Buffer): ListedAgent | undefined {
    const key = this.keys.find((candidate) => candidate.getPublicSSH().equals(blob));
    return key === undefined ? undefined : new ListedAgent(this.#agent, [key]);
  }

  /** The same agent offering some keys before the others. */
  startingWith(blobs: readonly Buffer[]): ListedAgent {
    const isFirst = (key: ParsedKey): boolean => blobs.some((blob) => key.getPublicSSH().equals(blob));
    return new ListedAgent(this.#agent, [...this.keys.filter(isFirst), ...this.keys.filter((key) => !isFirst(key))]);
  }

  override getIdentities(callback: IdentityCallback<ParsedKey>): void {
    callback(undefined, [...this.keys]);
  }

  override sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions, callback?: SignCallback): void;
  override sign(key: ParsedKey, data: Buffer, callback: SignCallback): void;
  override sign(key: ParsedKey, data: Buffer, options: SigningRequestOptions | SignCallback, callback?: SignCallback): void {
    this.signedWith = key;
    if (typeof options === 'function') this.#agent.sign(key, data, options);
    else this.#agent.sign(key, data, options, callback);
  }
}

/**
 * Lists the keys of the agent at a socket; undefined without a socket.
 * @throws Error when the agent does not answer
 */
export function listAgent(socket: string | undefined): Promise<ListedAgent | undefined> {
  if (socket === undefined || socket === '') return Promise.resolve(undefined);
  const agent = ssh2.createAgent(socket);
  return new Promise((resolve, reject) => {
    agent.getIdentities((error, identities) => {
      if (error) {
        reject(error);
        return;
      }
      const keys = (identities ?? []).map((identity): ParsedKey | Error => ssh2.utils.parseKey(identity as Buffer));
      resolve(
        new ListedAgent(
          agent,
          keys.filter((key): key is ParsedKey => !(key instanceof Error)),
        ),
      );
    });
  });
}
