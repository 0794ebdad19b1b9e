import type { AuthorityOwner } from '../../src/store/authority.js';

/** The cluster of tests that need its name and the file of its inventory alone. */
export const DEMO: AuthorityOwner = { cluster: 'demo', file: '/etc/my clusters/demo.yml' };
