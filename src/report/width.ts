import { stripVTControlCharacters } from 'node:util';

let segmenter: Intl.Segmenter | undefined;

/** The characters of a text as people count them. What counts them is made on first use, because it takes longer than most reports. */
function graphemes(text: string): Iterable<{ segment: string }> {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

/** Text of which every character takes one column. */
const PLAIN = /^[ -~]*$/;

/** Characters that take two columns: East Asian wide ones and emoji shown as pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}|\ufe0f/u;

/** Characters that take no column of their own. */
const EMPTY = /^[\p{Mark}\p{Format}\p{Control}]+$/u;

const COLOR = /(\u001b\[[0-9;]*m)/u;

/** The number of terminal columns a text takes; colour codes take none. */
export function displayWidth(text: string): number {
  const bare = stripVTControlCharacters(text);
  if (PLAIN.test(bare)) return bare.length;
  return [...graphemes(bare)].reduce((sum, { segment }) => sum + graphemeColumns(segment), 0);
}

/** The text cut to a number of columns, with `…` where something was left out; colours are closed as in the whole. */
export function cutToWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let left = columns - 1;
  let full = false;
  return text
    .split(COLOR)
    .map((part, index) => {
      if (index % 2 === 1) return part;
      if (full) return '';
      let kept = '';
      for (const { segment } of graphemes(part)) {
        left -= graphemeColumns(segment);
        if (left < 0) {
          full = true;
          return `${kept.trimEnd()}…`;
        }
        kept += segment;
      }
      return kept;
    })
    .join('');
}

/** The text filled up with spaces to a number of columns. */
export function padToWidth(text: string, columns: number, side: 'left' | 'right' = 'right'): string {
  const spaces = ' '.repeat(Math.max(0, columns - displayWidth(text)));
  return side === 'right' ? text + spaces : spaces + text;
}

/** The widest of some texts, in columns. */
export function widestOf(texts: readonly string[]): number {
  return texts.reduce((widest, text) => Math.max(widest, displayWidth(text)), 0);
}

function graphemeColumns(grapheme: string): number {
  if (EMPTY.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** A command between back-quotes, which can only be copied in one piece, or any other word, with the punctuation around it. */
const WORD = /(?:[^\s`]*`[^`\n]*`)+[^\s`]*|\S+/gu;

/**
 * The text in lines of at most so many columns, broken between words; what is between back-quotes, and a word that is wider, stays in one
 * piece.
 */
export function wrapWords(text: string, columns: number): string[] {
  if (displayWidth(text) <= columns) return [text];
  const lines: string[] = [];
  for (const [word] of text.matchAll(WORD)) {
    const last = lines.at(-1);
    if (last === undefined || displayWidth(last) + 1 + displayWidth(word) > columns) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

/**
 * The columns in which sentences are wrapped on a stream: those of a terminal; elsewhere lines are as long as they are, because who
 * searches them.
 */
export function wrapColumns(stream: { isTTY?: boolean; columns?: number }): number {
  return stream.isTTY === true ? columnsOf(stream) : Infinity;
}

/** The lines that a terminal shows; elsewhere, and where it does not say, none is too many. */
export function rowsOf({ isTTY, rows = 0 }: { isTTY?: boolean; rows?: number }): number {
  return isTTY === true && rows > 0 ? rows : Infinity;
}

/** The columns of a terminal; one that does not know, such as that of `script` in a cron job, says 0 and counts as usual. */
export function columnsOf({ columns }: { columns?: number }): number {
  return columns === undefined || columns <= 0 ? USUAL_COLUMNS : columns;
}

const USUAL_COLUMNS = 80;

/** A text behind what begins its first line, in lines of at most so many columns; the others are indented as far. */
export function hanging(begin: string, text: string, columns: number): string[] {
  const indent = displayWidth(begin);
  const lines = text.split('\n').flatMap((line) => wrapWords(line, columns - indent));
  return lines.map((line, index) => (index === 0 ? begin + line : ' '.repeat(indent) + line));
}
