import type { PgprovError } from '../lib/errors.js';

/** One host as `pgprov ping` found it. */
export interface PingedHost {
  name: string;
  /** `address:port`, with brackets around an IPv6 address. */
  endpoint: string;
  /** Jump hosts, nearest first, each as `user@address:port`. */
  via: string[];
  user: string;
  become: 'sudo' | 'doas' | 'none';
  /** Absent where something went wrong. */
  reached?: Reached;
  error?: PgprovError;
}

/** What is known of a host that was reached. */
export interface Reached {
  /** What the server let us in by. */
  authentication: string;
  hostKey: { type: string; fingerprint: string; file: string; line?: number };
  /** Milliseconds until the login was through, jump hosts included. */
  connectMs: number;
  /** Milliseconds for one script, from asking to the whole answer; becoming root included. */
  roundTripMs: number;
  /** `debian 13 x86_64` */
  system: string;
  /** How far the host's clock is ahead of ours, in milliseconds. */
  clockOffsetMs: number;
}
