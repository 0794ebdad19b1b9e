/** What a monitoring system may ask for, in the order in which it is told. */
export const CHECKS = ['members', 'lag', 'store', 'services', 'certs', 'backup', 'differences'] as const;

/** One of them. */
export type CheckName = (typeof CHECKS)[number];

/** Those that have limits: `lag` in bytes, `certs` (until they expire) and `backup` (since the last one) in seconds. */
export const LIMITED = ['lag', 'certs', 'backup'] as const;

/** Limits by the check; what is not given has its default. */
export type Limits = Readonly<Partial<Record<(typeof LIMITED)[number], number>>>;
