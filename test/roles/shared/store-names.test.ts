import { expect, it } from 'vitest';
import { STORE_NAMES } from '../../../roles/shared/sections/store-names.js';
import { STORES } from '../../../roles/shared/stores.js';

it('descriptions of variables name every store', () => {
  expect(STORE_NAMES).toBe(STORES.map(({ name }) => name).join(' or '));
});
