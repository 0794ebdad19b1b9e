import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { writeSentence } from '../../src/cli/sentence.js';

describe('a sentence for people', () => {
  it('is broken between words on a terminal, and nowhere else', () => {
    const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 20 });
    writeSentence(terminal, 'note: ', 'a word is never broken in two');
    expect(String(terminal.read())).toBe('note: a word is\n      never broken\n      in two\n');
    const pipe = new PassThrough();
    writeSentence(pipe, 'note: ', 'a word is never broken in two');
    expect(String(pipe.read())).toBe('note: a word is never broken in two\n');
  });
});
