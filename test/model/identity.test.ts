import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readIdentity } from '../../src/model/index.js';
import { freshDirectory } from '../support/directory.js';

describe('readIdentity', () => {
  const work = freshDirectory();
  const write = (text: string): string => {
    writeFileSync(work.at('i.yml'), text);
    return work.at('i.yml');
  };

  it('needs only the cluster’s name of an inventory', async () => {
    expect(await readIdentity(write('cluster: demo\nhosts: nonsense\nnosuch: 1\n'))).toEqual({
      file: work.at('i.yml'),
      dir: work.path,
      cluster: 'demo',
    });
  });

  it.each([
    { text: 'hosts: {}\n', message: 'cluster' },
    { text: 'cluster: ../other\n', message: 'i.yml:1:10 cluster: must be' },
    { text: 'cluster: [', message: 'i.yml:1' },
    { text: '- 1\n', message: 'must hold a mapping' },
  ])('refuses $text', async ({ text, message }) => {
    await expect(readIdentity(write(text))).rejects.toMatchObject({ exitCode: 2, message: expect.stringContaining(message) as string });
  });
});
