import { describe, expect, it } from 'vitest';
import { terminalSvg } from './svg.js';
import { record, screensOf } from './terminal.js';

const SIZE = { columns: 40, rows: 4 };

describe('a picture of a terminal', () => {
  it('has the screens as a terminal shows them, with what was drawn over itself', async () => {
    const chunks = [
      { at: 0, text: 'one\r\n\u001b[1mtwo\u001b[0m\r\n' },
      { at: 2000, text: '\u001b[1A\u001b[2K\u001b[32m✔ three\u001b[0m <b>\r\n' },
    ];
    const screens = await screensOf(chunks, SIZE, 1000);
    expect(screens.map(({ rows }) => rows.map((row) => row.map(({ text }) => text.trim()).join(' ')))).toEqual([
      ['one', 'two'],
      ['one', '✔ three <b>'],
    ]);
    const svg = terminalSvg(screens, { columns: SIZE.columns, title: 'a & b' });
    expect(svg.match(/>one</gu)).toHaveLength(1);
    expect(svg).toContain('aria-label="a &amp; b"');
    expect(svg).toMatch(/class="c2">✔<.*&lt;b&gt;</u);
    expect(svg).toContain('prefers-reduced-motion');
  });

  it('does not move where there is one screen', async () => {
    const svg = terminalSvg(await screensOf([{ at: 0, text: 'all' }], SIZE, 1000), { columns: SIZE.columns, title: 'x' });
    expect(svg).not.toMatch(/animation|hidden/u);
  });

  it('is recorded at a terminal of that size, where a question is answered with yes', async () => {
    const chunks = await record(`sh -c 'stty size; printf "Do it? [y/N] "; read answer; echo "it was $answer"'`, 'pgprov x', '/', SIZE);
    const text = chunks.map((chunk) => chunk.text).join('');
    expect(text).toContain('$ pgprov x');
    expect(text).toContain('4 40');
    expect(text).toContain('it was y');
    await expect(record('false', 'pgprov x', '/', SIZE)).rejects.toThrow('pgprov x ended with 1');
  });
});
