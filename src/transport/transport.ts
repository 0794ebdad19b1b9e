import type { PgprovError } from '../lib/errors.js';

/** Bytes as they arrive; decoding is the reader's business, for a chunk may end inside a character. */
export type ChunkListener = (chunk: Buffer) => void;

/** How one exec ended. */
export interface ExecEnd {
  /** Exit status of the root shell; null when the channel closed without one (a cut connection, a signal). */
  code: number | null;
  /** Everything the remote side wrote to stderr, capped at 64 KiB. */
  stderr: string;
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
}

/** One host's connection: one root shell at a time reads a script from stdin. */
export interface Connection {
  /** Starts a root shell on the script; rejects with a PgprovError when no channel could be had. */
  exec(request: ExecRequest): Promise<Exec>;
  /** Called once when the connection is lost for a reason other than `close`. */
  onLost(listener: (error: PgprovError) => void): void;
  /** Says goodbye; safe to call twice. */
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
  method: 'sudo' | 'none';
  /** Password for sudo; without it `sudo -n` is used and a prompt is an error. */
  password?: { reveal(): string };
}

/** One hop of the way to a host. */
export interface SshEndpoint {
  address: string;
  /** default 22 */
  port: number;
  user: string;
  /** Path of a private key; without it the agent and the usual key files are tried. */
  identityFile?: string;
  password?: { reveal(): string };
}

/** Where a host is and how to get in. */
export interface Target extends SshEndpoint {
  /** Inventory name, for messages. */
  name: string;
  /** Hops to go through, nearest first. */
  jump: readonly SshEndpoint[];
  become: Become;
  hostKeys: {
    /** `strict`: the key must be known. `accept-new`: an unknown host's key is recorded; a changed one is refused. */
    policy: 'strict' | 'accept-new';
    /** known_hosts files, first one is written to by `accept-new`; default ~/.ssh/known_hosts, /etc/ssh/ssh_known_hosts */
    files: readonly string[];
  };
  /** Seconds for TCP, handshake and authentication together; default 15 */
  connectTimeout: number;
}
