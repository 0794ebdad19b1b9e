/** An authentication method of pg_hba.conf, as PostgreSQL built for Linux has it. */
export interface HbaMethod {
  /** First major version that has it; default: all that pgprov knows. */
  since?: number;
  /** First major version that no longer has it. */
  until?: number;
  /** Connection types it does without; default: it goes with all. */
  not?: readonly HbaType[];
  /** Its own options, by name. */
  options: Readonly<Record<string, HbaOption>>;
}

/** One option of a method. */
export interface HbaOption {
  since?: number;
  /** What a value must look like; default: anything. */
  value?: RegExp;
  /** What it must be, in words that follow "must be". */
  expects?: string;
}

/** How a client may come in. */
export type HbaType = 'local' | 'host' | 'hostssl' | 'hostnossl' | 'hostgssenc' | 'hostnogssenc';

/** All connection types. */
export const HBA_TYPES: readonly HbaType[] = ['local', 'host', 'hostssl', 'hostnossl', 'hostgssenc', 'hostnogssenc'];

const NOT_SSL = HBA_TYPES.filter((type) => type !== 'hostssl');
const NOT_LOCAL = HBA_TYPES.filter((type) => type !== 'local');
const ANY: HbaOption = {};
const BIT: HbaOption = { value: /^[01]$/u, expects: '0 or 1' };
const MAP = { map: ANY };
const REALM = { krb_realm: ANY, include_realm: BIT };

/** The methods by their names (PostgreSQL's documentation, chapter "Client Authentication", and its hba.c). */
export const HBA_METHODS: Readonly<Record<string, HbaMethod>> = {
  trust: { options: {} },
  reject: { options: {} },
  'scram-sha-256': { options: {} },
  md5: { options: {} },
  password: { options: {} },
  gss: { not: ['local'], options: { ...MAP, ...REALM } },
  ident: { options: MAP },
  peer: { not: NOT_LOCAL, options: MAP },
  ldap: {
    options: {
      ldapserver: ANY,
      ldapport: { value: /^\s*[+-]?0*[1-9]/u, expects: 'a port number' },
      ldapscheme: { value: /^ldaps?$/u, expects: 'ldap or ldaps' },
      ldaptls: BIT,
      ldapprefix: ANY,
      ldapsuffix: ANY,
      ldapbasedn: ANY,
      ldapbinddn: ANY,
      ldapbindpasswd: ANY,
      ldapsearchattribute: ANY,
      ldapsearchfilter: ANY,
      ldapurl: { value: /^ldaps?:\/\//iu, expects: 'a URL of ldap or ldaps' },
    },
  },
  radius: { until: 19, options: { radiusservers: ANY, radiussecrets: ANY, radiusports: ANY, radiusidentifiers: ANY } },
  cert: { not: NOT_SSL, options: MAP },
  pam: { options: { pamservice: ANY, pam_use_hostname: BIT } },
  oauth: { since: 18, options: { ...MAP, issuer: ANY, scope: ANY, validator: ANY, delegate_ident_mapping: BIT } },
};

/** Options of every method on a connection with SSL. */
export const SSL_OPTIONS: Readonly<Record<string, HbaOption>> = {
  clientcert: { value: /^verify-(?:ca|full)$/u, expects: 'verify-ca or verify-full' },
  clientname: { since: 14, value: /^(?:CN|DN)$/u, expects: 'CN or DN' },
};
