import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { freshDirectory } from '../support/directory.js';
import { raiseCpuShare } from './cpu-share.js';

describe('raiseCpuShare', () => {
  const work = freshDirectory();

  it.each([
    { title: 'raises the default', share: '1024\n', then: '8192' },
    { title: 'keeps a larger value that was set before', share: '20000\n', then: '20000\n' },
  ])('$title', ({ share, then }) => {
    const file = work.at('cpu.shares');
    writeFileSync(file, share);
    raiseCpuShare([
      [work.at('not', 'there'), 800],
      [file, 8192],
    ]);
    expect(readFileSync(file, 'utf8')).toBe(then);
  });
});
