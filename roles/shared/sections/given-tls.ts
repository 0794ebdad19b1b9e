import type { VariableSchema } from '../../../src/index.js';

/** Text in PEM. What it holds is judged with the other two. */
const PEM = { type: 'string', secret: true, pattern: '-----BEGIN ', expects: 'text in PEM' } as const satisfies VariableSchema;

/** The variables of a service whose certificate is given, in place of one of the cluster’s authority. */
export const GIVEN_TLS_VARIABLES = {
  tls_certificate: {
    change: 'reload',
    ...PEM,
    public: true,
    description:
      'A certificate of your own for the host in place of one of the cluster’s authority, with those between it and its authority behind it; goes with `tls_key` and `tls_ca`. See [TLS](clients.md#certificates-of-your-own).',
  },
  tls_key: { change: 'reload', ...PEM, description: 'Its private key, without a passphrase.' },
  tls_ca: {
    change: 'reload',
    ...PEM,
    public: true,
    description: 'The authorities that clients check it with, those that signed themselves among them.',
  },
} as const satisfies Readonly<Record<string, VariableSchema>>;
