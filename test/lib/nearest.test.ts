import { expect, test } from 'vitest';
import { nearest } from '../../src/lib/nearest.js';

test.each([
  { word: 'patrony', candidates: ['patroni', 'postgresql'], found: 'patroni' },
  { word: 'prot', candidates: ['user', 'port'], found: 'port' },
  { word: 'identityFile', candidates: ['identity_file'], found: 'identity_file' },
  { word: 'post', candidates: ['postgresql'], found: 'postgresql' },
  { word: 'pgx', candidates: ['pg1', 'pg2'], found: 'pg1' },
  { word: 'xyzzy', candidates: ['port', 'user'], found: undefined },
  { word: '', candidates: ['port'], found: undefined },
  { word: 'port', candidates: [], found: undefined },
])('$word suggests $found', ({ word, candidates, found }) => {
  expect(nearest(word, candidates)).toBe(found);
});
