import { describe, expect, it } from 'vitest';
import { withAbsentHost } from '../../../src/cli/operations/absent-line.js';

describe('an inventory in which a host becomes absent', () => {
  it.each<{ title: string; before: string; after: string | undefined }>([
    {
      title: 'an address, with what is beside it',
      before: 'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n  pg3: 10.0.0.3 # the old one\n',
      after: 'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n  pg3: { address: 10.0.0.3, absent: true } # the old one\n',
    },
    {
      title: 'a mapping in lines',
      before: 'cluster: demo\nhosts:\n  pg3:\n    # where it is\n    address: 10.0.0.3\n    roles: [base]\n',
      after: 'cluster: demo\nhosts:\n  pg3:\n    # where it is\n    absent: true\n    address: 10.0.0.3\n    roles: [base]\n',
    },
    {
      title: 'a mapping in braces',
      before: 'cluster: demo\nhosts:\n  pg3: {address: 10.0.0.3}\n',
      after: 'cluster: demo\nhosts:\n  pg3: { absent: true, address: 10.0.0.3}\n',
    },
    {
      title: 'one that is said not to be',
      before: 'cluster: demo\nhosts:\n  pg3: {address: 10.0.0.3, absent: false}\n',
      after: 'cluster: demo\nhosts:\n  pg3: {address: 10.0.0.3, absent: true}\n',
    },
    {
      title: 'the one that was to lead a new cluster',
      before: 'cluster: demo\nleader: pg3\nhosts:\n  pg1: 10.0.0.1\n  pg3: 10.0.0.3\n',
      after: 'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n  pg3: { address: 10.0.0.3, absent: true }\n',
    },
    {
      title: 'in JSON',
      before: '{"cluster": "demo", "hosts": {"pg3": "10.0.0.3"}}',
      after: '{"cluster": "demo", "hosts": {"pg3": { address: "10.0.0.3", absent: true }}}',
    },
    { title: 'one that is not there', before: 'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n', after: undefined },
    { title: 'one that others refer to', before: 'cluster: demo\nhosts:\n  pg3: &a 10.0.0.3\n  pg4: *a\n', after: undefined },
  ])('has $title', ({ before, after }) => expect(withAbsentHost(before, 'pg3')).toBe(after));
});
