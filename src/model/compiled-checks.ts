import type { ValidateFunction } from 'ajv';

/**
 * What ajv made of the schemas of pgprov's own roles, by `checkKey`. `npm run build` puts it here, because making it takes
 * longer than reading an inventory; run from its sources, pgprov makes what it needs.
 */
export const COMPILED_CHECKS: ReadonlyMap<string, ValidateFunction> = new Map();
