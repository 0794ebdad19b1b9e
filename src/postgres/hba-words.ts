/** One word of a line of pg_hba.conf. */
export interface HbaWord {
  text: string;
  /** It begins with a double quote, so that it is no keyword. */
  quoted: boolean;
  /** Where it begins in the line, 1-based. */
  column: number;
}

/** Words that commas join. */
export type HbaField = readonly [HbaWord, ...HbaWord[]];

/** A line as PostgreSQL splits it; a comment is not part of it. */
export interface HbaWords {
  fields: HbaField[];
  /** Column of a double quote that nothing closes. */
  openQuote?: number;
}

/**
 * Splits a line the way PostgreSQL does (hba.c, next_token): blanks end a word, commas join words to a field, and within double
 * quotes neither does; two double quotes are one, and # begins a comment.
 */
export function hbaWords(line: string): HbaWords {
  const reader = new Reader(line);
  const fields: HbaField[] = [];
  for (let field = reader.field(); field !== undefined; field = reader.field()) fields.push(field);
  return { fields, ...(reader.openQuote === undefined ? {} : { openQuote: reader.openQuote }) };
}

const BLANK = /[ \t\r]/u;

class Reader {
  openQuote: number | undefined;
  readonly #line: string;
  #at = 0;

  constructor(line: string) {
    this.#line = line;
  }

  field(): HbaField | undefined {
    const words: HbaWord[] = [];
    for (;;) {
      const { word, comma } = this.#word();
      if (word !== undefined) words.push(word);
      if (word === undefined || !comma) break;
    }
    const [first, ...others] = words;
    return first === undefined ? undefined : [first, ...others];
  }

  #word(): { word?: HbaWord; comma: boolean } {
    while (this.#at < this.#line.length && (BLANK.test(this.#peek()) || this.#peek() === ',')) this.#at++;
    const column = this.#at + 1;
    let text = '';
    let quoted = false;
    let sawQuote = false;
    let inQuote = false;
    let wasQuote = false;
    let quoteAt = 0;
    let comma = false;
    while (this.#at < this.#line.length && (inQuote || !BLANK.test(this.#peek()))) {
      const character = this.#peek();
      if (character === '#' && !inQuote) {
        this.#at = this.#line.length;
        break;
      }
      this.#at++;
      if (character === ',' && !inQuote) {
        comma = true;
        break;
      }
      if (character !== '"' || wasQuote) text += character;
      wasQuote = inQuote && character === '"' ? !wasQuote : false;
      if (character === '"') {
        inQuote = !inQuote;
        sawQuote = true;
        quoteAt = this.#at;
        if (text === '') quoted = true;
      }
    }
    if (inQuote) this.openQuote ??= quoteAt;
    return text === '' && !sawQuote ? { comma } : { word: { text, quoted, column }, comma };
  }

  #peek(): string {
    return this.#line.charAt(this.#at);
  }
}
