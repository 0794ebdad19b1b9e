import type { Secret } from '../lib/secret.js';
import type { RevokedCertificate } from './revocations.js';

/** Keys and passwords of a cluster, from the inventory or made on first use. */
export interface ClusterCredentials {
  /**
   * A password that the inventory may give as `section.key`, else generated and kept.
   * @param make what makes one where a password will not do, such as a UUID
   */
  password(path: string, given: unknown, make?: () => string): Secret;
  /** Paths of the passwords that neither the inventory gives nor this machine had kept, so that new ones were made. */
  readonly generated: readonly string[];
  /** What such a password was before, while it is being changed. */
  former(path: string): Secret | undefined;
  /**
   * PEM of the cluster's certificate authority; of two while one takes the other's place. A plan of a cluster without one gets a text that
   * stands for it.
   * @throws NoIdentity where no role of any host declares `tls`, so that there is none
   */
  readonly caCertificate: string;
  /** True for the PEM of authorities that are, or were, this cluster's, and of no other. */
  knowsAuthority(pem: string): boolean;
  /**
   * PEM certificate and key of one host. A plan gets texts that stand for those which only an apply makes.
   * @throws NoIdentity for a host of which no role declares `tls`
   */
  node(host: string): { certificate: string; key: Secret };
  /**
   * The list of the certificates that the cluster's authority accepts no more, in DER, as hosts are to have it. A plan of a cluster without an
   * authority gets a text that stands for it; undefined: hosts are to have none.
   */
  readonly revocationList: Buffer | undefined;
  /** What stands on it, with the key where this machine had the pair. */
  readonly revoked: readonly (RevokedCertificate & { pair?: { certificate: string; key: Secret } })[];
}
