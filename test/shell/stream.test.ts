import { describe, expect, it } from 'vitest';
import { sh } from '../../src/shell/quote.js';
import { StreamReader, streamScript } from '../../src/shell/stream.js';
import { feed, HOST_SHELLS, inEveryShell } from '../support/shells.js';

describe('a script whose output is read as it arrives', () => {
  inEveryShell(HOST_SHELLS, (shell) => {
    it('gives its lines, whatever comes before and after and however they are cut', async () => {
      const { text, nonce } = streamScript(sh`printf 'one\n\ntwo \344\n'; cat`);
      const said = Buffer.concat([Buffer.from('Welcome!\n'), (await feed(shell, text)).out, Buffer.from('Bye\n')]);
      for (const size of [1, 7, said.length]) {
        const lines: string[] = [];
        const reader = new StreamReader(nonce, (line) => lines.push(line.toString('latin1')));
        for (let at = 0; at < said.length; at += size) reader.push(said.subarray(at, at + size));
        expect([lines, reader.complete]).toEqual([['one', 'two \u00e4'], true]);
      }
    });

    it('does nothing when it is truncated, and is not complete', async () => {
      const { text, nonce } = streamScript(sh`echo done`);
      for (const share of [0.3, 0.6, 0.95]) {
        const reader = new StreamReader(nonce, () => expect.unreachable());
        reader.push((await feed(shell, text.slice(0, text.length * share))).out);
        expect(reader.complete).toBe(false);
      }
    });
  });
});
