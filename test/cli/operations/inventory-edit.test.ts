import { describe, expect, it } from 'vitest';
import { edited } from '../../../src/cli/operations/inventory-edit.js';

const toVersion = (text: string): string | undefined => edited(text, [{ path: ['postgresql', 'version'], value: 17 }]);
const withAbsentHost = (text: string): string | undefined =>
  edited(text, [
    { path: ['hosts', 'pg3', 'absent'], value: true },
    { path: ['leader'], value: undefined, only: 'pg3' },
  ]);

describe('a value of an inventory', () => {
  it.each([
    {
      where: 'in its place, with nothing else of the text touched',
      text: '# ours\ncluster: demo\npostgresql:\n  port: 5433 # not the usual\n  version: 15   # since May\nhosts: {pg1: 10.0.0.1}\n',
      is: '# ours\ncluster: demo\npostgresql:\n  port: 5433 # not the usual\n  version: 17   # since May\nhosts: {pg1: 10.0.0.1}\n',
    },
    {
      where: 'in braces',
      text: 'cluster: demo\npostgresql: {version: 15, port: 5433}\n',
      is: 'cluster: demo\npostgresql: {version: 17, port: 5433}\n',
    },
    {
      where: 'below the cluster where there is no such section',
      text: 'cluster: demo\nhosts: {}\n',
      is: 'cluster: demo\npostgresql:\n  version: 17\nhosts: {}\n',
    },
    {
      where: 'at the end of a file without a last newline',
      text: 'hosts: {}\ncluster: demo',
      is: 'hosts: {}\ncluster: demo\npostgresql:\n  version: 17\n',
    },
    {
      where: 'in a section that has other values',
      text: 'cluster: demo\npostgresql:\n  port: 5433\n',
      is: 'cluster: demo\npostgresql:\n  version: 17\n  port: 5433\n',
    },
    {
      where: 'with the line ends that it has',
      text: 'cluster: demo\r\nhosts: {}\r\n',
      is: 'cluster: demo\r\npostgresql:\r\n  version: 17\r\nhosts: {}\r\n',
    },
  ])('is written $where', ({ text, is }) => {
    expect(toVersion(text)).toBe(is);
  });

  it.each([
    ['an anchor', 'cluster: demo\npostgresql:\n  version: &v 15\n  port: *v\n'],
    ['a section that is referred to', 'cluster: demo\npostgresql: &p {version: 15}\nother: *p\n'],
    ['no section that could have it', 'cluster: demo\npostgresql: 15\n'],
    ['no mapping', '- pg1\n'],
    ['errors', 'cluster: demo\n  postgresql: 1\n'],
  ])('is left to a person where the text has %s', (_what, text) => {
    expect(toVersion(text)).toBeUndefined();
  });
});

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
      title: 'while another is to lead',
      before: 'cluster: demo\nleader: pg1\nhosts:\n  pg1: 10.0.0.1\n  pg3: 10.0.0.3\n',
      after: 'cluster: demo\nleader: pg1\nhosts:\n  pg1: 10.0.0.1\n  pg3: { address: 10.0.0.3, absent: true }\n',
    },
    {
      title: 'in JSON',
      before: '{"cluster": "demo", "hosts": {"pg3": "10.0.0.3"}}',
      after: '{"cluster": "demo", "hosts": {"pg3": { address: "10.0.0.3", absent: true }}}',
    },
    { title: 'one that is not there', before: 'cluster: demo\nhosts:\n  pg1: 10.0.0.1\n', after: undefined },
    { title: 'one that others refer to', before: 'cluster: demo\nhosts:\n  pg3: &a 10.0.0.3\n  pg4: *a\n', after: undefined },
  ])('has $title', ({ before, after }) => expect(withAbsentHost(before)).toBe(after));
});
