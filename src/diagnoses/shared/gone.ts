import type { Examination, GoneHost } from '../../index.js';

/** The machine at an address that was taken out of the cluster; undefined: none was. */
export function goneAt({ gone }: Examination, address: string | undefined): GoneHost | undefined {
  return gone.find(({ addresses }) => address !== undefined && addresses.includes(address));
}
