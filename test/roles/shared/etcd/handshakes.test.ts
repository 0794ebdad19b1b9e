import { describe, expect, it } from 'vitest';
import { memberUsesItsFiles } from '../../../../roles/shared/etcd/handshakes.js';
import { View } from '../../../../src/plan/view.js';
import { TLS_HANDSHAKES, type TlsHandshakesState } from '../../../../src/resources/tls-handshakes.js';
import { hostOf, inventoryOf, THREE } from '../../../support/inventory.js';

const inventory = await inventoryOf(THREE);

describe('whether etcd on a host uses its files', () => {
  /** What is told of pg1, by what each host saw presented on pg1, and whether pg1 began after its authorities were written. */
  const told = (presented: Record<string, string[] | undefined>, authorityLoaded?: boolean): boolean | undefined => {
    const states = Object.entries(presented).map(([host, seen]): [string, Map<string, unknown>] => {
      const handshakes = [
        { listener: '10.0.0.1:2379', accepted: true, presented: seen },
        { listener: '10.0.0.2:2379', accepted: true, presented: ['OTHER'] },
      ];
      const loaded = host === 'pg1' ? authorityLoaded : true;
      const state = { handshakes, ...(loaded === undefined ? {} : { authorityLoaded: loaded }) } as unknown as TlsHandshakesState;
      return [host, new Map<string, unknown>([[TLS_HANDSHAKES.id, state]])];
    });
    return memberUsesItsFiles(new View(inventory, new Map(states)), hostOf(inventory, 'pg1'), 'AA');
  };

  it.each<{ title: string; presented: Record<string, string[] | undefined>; authorityLoaded?: boolean; uses: boolean | undefined }>([
    { title: 'all hosts see the certificate of its file', presented: { pg1: ['AA'], pg2: ['AA'] }, authorityLoaded: true, uses: true },
    { title: 'one host sees another certificate', presented: { pg1: ['AA'], pg2: ['BB'] }, authorityLoaded: true, uses: false },
    {
      title: 'etcd started before its authorities were written',
      presented: { pg1: ['AA'], pg2: ['AA'] },
      authorityLoaded: false,
      uses: false,
    },
    { title: 'etcd does not run', presented: { pg1: undefined, pg2: undefined }, authorityLoaded: true, uses: undefined },
    { title: 'the start time of etcd is unknown', presented: { pg1: ['AA'] }, uses: undefined },
  ])('is decided in this case: $title', ({ presented, authorityLoaded, uses }) => expect(told(presented, authorityLoaded)).toBe(uses));
});
