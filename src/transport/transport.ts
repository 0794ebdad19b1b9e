import type { PgprovError } from '../lib/errors.js';

/** Bytes as they arrive; decoding is the reader's business, because a chunk may end inside a character. */
export type ChunkListener = (chunk: Buffer) => void;

/** How one exec ended. */
export interface ExecEnd {
  /** Exit status of the root shell; null when the channel closed without one (a cut connection, a signal). */
  code: number | null;
  /** Everything the remote side wrote to stderr, capped at 64 KiB. */
  stderr: string;
  /** Why this side ended it: nothing was heard for too long. */
  error?: PgprovError;
}

/** A script under way on a host. */
export interface Exec {
  /** Resolves when the channel is closed, however that came about; never rejects. */
  readonly ended: Promise<ExecEnd>;
  /** Ends the script's standard input; a script that holds a lock until then lets go. */
  closeInput(): void;
  /** Closes the channel at once. */
  kill(): void;
}

/** What one exec is given. */
export interface ExecRequest {
  /** The whole script; it travels on stdin, never in argv. */
  script: string;
  onStdout: ChunkListener;
  /** Keep stdin open after the script, until `closeInput`; default false. */
  holdInput?: boolean;
  /** True once the script has said all that it has to; silence after that is in order. Default: never. */
  isComplete?: () => boolean;
}

/** How a connection came about, for those who ask. */
export interface ConnectionFacts {
  /** What the server let us in by, e.g. `agent ssh-ed25519 SHA256:…`, `key ~/.ssh/id_rsa`, `password`. */
  authentication: string;
  hostKey: {
    /** e.g. `ssh-ed25519` */
    type: string;
    fingerprint: string;
    /** The known_hosts file that has it. */
    file: string;
    /** Where it stands there; absent when it was recorded just now. */
    line?: number;
  };
  /** Milliseconds it waited for its turn, since handshakes are capped. */
  queuedMs: number;
}

/** One host's connection: one root shell at a time reads a script from stdin. */
export interface Connection {
  /** Absent where nobody had to be let in. */
  readonly facts?: ConnectionFacts;
  /** Milliseconds since anything came from the other side, answers to signs of life included; absent where nobody listens for that. */
  readonly quietMs?: number;
  /** Starts a root shell on the script; rejects with a PgprovError when no channel could be had. */
  exec(request: ExecRequest): Promise<Exec>;
  /** Called once when the connection is lost for a reason other than `close`. */
  onLost(listener: (error: PgprovError) => void): void;
  /** Says goodbye, and ends what still runs without waiting for the other side; safe to call twice. */
  close(): Promise<void>;
}

/** Opens connections; `ssh` for real hosts, `local` for tests of scripts on this machine. */
export interface Transport {
  /** @throws UnreachableError saying why and what to do */
  connect(target: Target, signal?: AbortSignal): Promise<Connection>;
}

/** How scripts become root on a host. */
export interface Become {
  /** `none`: the login user is used as it is (root, or a user that needs nothing more). */
  method: 'sudo' | 'doas' | 'none';
  /** Password for sudo; without it `sudo -n` is used and a prompt is an error. doas cannot be given one. */
  password?: { reveal(): string };
}

/** One hop of the way to a host. */
export interface SshEndpoint {
  address: string;
  /** default 22 */
  port: number;
  user: string;
  /** Path of a private key, which must be usable; without it the agent and the usual key files are tried. */
  identityFile?: string;
  /** Private keys that may be there, instead of the usual ones; `only`: of the agent's keys none but these. */
  identities?: { files: readonly string[]; only: boolean };
  /** Opens an encrypted private key. */
  keyPassphrase?: { reveal(): string };
  /** Socket of another agent than the usual one; empty for none. */
  agent?: string;
  password?: { reveal(): string };
  /** The name to look for in known_hosts, instead of the address and port. */
  hostKeyAlias?: string;
  /** A hop's own way of checking host keys; default: that of the host behind it. */
  hostKeys?: HostKeys;
}

/** What becomes of a host whose key is not known. */
export type HostKeyPolicy = 'ask' | 'strict' | 'accept-new';

/** How host keys are checked. */
export interface HostKeys {
  /**
   * `strict` and `ask`: the key must be known, and with `ask` a person may be asked before anything is connected. `accept-new`: an unknown host's
   * key is recorded; a changed one is refused.
   */
  policy: HostKeyPolicy;
  /** known_hosts files, first one is written to by `accept-new`; default ~/.ssh/known_hosts, /etc/ssh/ssh_known_hosts */
  files: readonly string[];
}

/** Where a host is and how to get in. */
export interface Target extends SshEndpoint {
  /** Inventory name, for messages. */
  name: string;
  /** Hops to go through, nearest first. */
  jump: readonly SshEndpoint[];
  become: Become;
  hostKeys: HostKeys;
  /** Seconds for TCP, handshake and authentication together; default 15 */
  connectTimeout: number;
  /** Seconds between signs of life, 0 for none, and how many may stay unanswered; default 5 and 3 */
  keepalive?: { interval: number; count: number };
  /** Seconds without a word after which a script is given up; default 0: never */
  commandTimeout?: number;
}
