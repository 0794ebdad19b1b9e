/**
 * The names of the stores in `stores.ts`, as descriptions of variables say them. It stands apart because each store reads variables, and so
 * imports their schemas.
 */
export const STORE_NAMES = 'etcd or Consul';
