import { describe, expect, it } from 'vitest';
import { withValue } from '../../../src/cli/operations/inventory-value.js';

const to = (value: number | string): Parameters<typeof withValue>[1] => ({ path: ['postgresql', 'version'], value });

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
      where: 'with the line ends that it has',
      text: 'cluster: demo\r\nhosts: {}\r\n',
      is: 'cluster: demo\r\npostgresql:\r\n  version: 17\r\nhosts: {}\r\n',
    },
  ])('is written $where', ({ text, is }) => {
    expect(withValue(text, to(17))).toBe(is);
  });

  it.each([
    ['an anchor', 'cluster: demo\npostgresql:\n  version: &v 15\n  port: *v\n'],
    ['a section that is referred to', 'cluster: demo\npostgresql: &p {version: 15}\nother: *p\n'],
    ['the value elsewhere', 'cluster: demo\npostgresql: {port: 5433}\n'],
    ['no mapping', '- pg1\n'],
    ['errors', 'cluster: demo\n  postgresql: 1\n'],
  ])('is left to a person where the text has %s', (_what, text) => {
    expect(withValue(text, to(17))).toBeUndefined();
  });
});
