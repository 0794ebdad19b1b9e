import type { Secret } from '../lib/secret.js';

/** Keys and passwords of a cluster, from the inventory or made on first use. */
export interface Material {
  /** A password that the inventory may give as `section.key`, else generated and kept. */
  password(path: string, given: unknown): Secret;
  /** Paths of the passwords that neither the inventory gives nor this machine had kept, so that new ones were made. */
  readonly generated: readonly string[];
  /** What such a password was before, while it is being changed. */
  former(path: string): Secret | undefined;
  /** PEM of the cluster's certificate authority; of two while one takes the other's place. */
  readonly caCertificate: string;
  /** True for the PEM of authorities that are, or were, this cluster's, and of no other. */
  knowsAuthority(pem: string): boolean;
  /** PEM certificate and key of one host. */
  node(host: string): { certificate: string; key: Secret };
}
