import { describe, expect, it } from 'vitest';
import { guardPasswords } from '../../../roles/shared/password-guards.js';
import { makeVerifier } from '../../../src/lib/scram.js';
import { View } from '../../../src/plan/view.js';
import { PATRONI_MEMBER } from '../../../src/resources/patroni/member.js';
import { inventoryOf, MATERIAL, THREE } from '../../support/inventory.js';

const inventory = await inventoryOf(THREE);
const OURS = makeVerifier('made-for-replication.password');

interface Scene {
  /** What the leader has as the replication role's verifier. */
  verifier: string;
  streaming?: string[];
  surveyed?: string[];
  server?: 'primary' | 'standby';
}

function objections({ verifier, streaming = ['pg2', 'pg3'], surveyed = ['pg1', 'pg2', 'pg3'], server = 'primary' }: Scene): string[] {
  const states = new Map(
    surveyed.map((name) => [
      name,
      new Map<string, unknown>(
        name === 'pg1'
          ? [
              ['pg-role:replicator', { server, exists: true, verifier, attributes: ['LOGIN', 'REPLICATION'] }],
              [
                PATRONI_MEMBER.id,
                { answers: true, replication: streaming.map((application) => ({ application, state: 'streaming', syncState: 'async' })) },
              ],
            ]
          : [],
      ),
    ]),
  );
  return guardPasswords(new View(inventory, states), MATERIAL).map(
    ({ host, message }) => `${host}: ${message.replace(/^.*(?:, and )/u, '')}`,
  );
}

describe('a new password', () => {
  it.each<Scene & { title: string; said: string[] }>([
    { title: 'needs no check when the leader already has it', verifier: OURS, streaming: [], surveyed: ['pg1'], said: [] },
    { title: 'is accepted when all members stream', verifier: makeVerifier('x'), said: [] },
    {
      title: 'is refused when a member does not stream',
      verifier: makeVerifier('x'),
      streaming: ['pg2'],
      said: ['pg3: pg3 does not stream from pg1: it would keep the old one'],
    },
    {
      title: 'is refused when a member is left out',
      verifier: 'md5x',
      surveyed: ['pg1', 'pg2'],
      said: ['pg3: pg3 is not part of this run'],
    },
    { title: 'is not checked in a run without the leader', verifier: makeVerifier('x'), surveyed: ['pg2'], said: [] },
    { title: 'is not checked on a standby', verifier: makeVerifier('x'), server: 'standby', streaming: [], said: [] },
  ])('$title', ({ said, ...scene }) => expect(objections(scene)).toEqual(said));
});
