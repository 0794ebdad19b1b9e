import { isMap, isScalar, LineCounter, parseDocument, Scalar, type Document } from 'yaml';
import { InputError } from '../lib/errors.js';

/** Names that fit on one line. */
const NAME = /^[^\u0000-\u001f\u007f]{1,255}$/u;

/**
 * The plaintext of a store: a YAML mapping of names to texts, whose comments and order are kept. Every value is text,
 * whatever it looks like: `0123`, `yes` and `1e3` mean just these characters.
 */
export class SecretMapping {
  readonly #document: Document;
  /** The text without any pair in it, which a document of no contents cannot write. */
  readonly #empty: string;

  private constructor(document: Document, empty: string) {
    this.#document = document;
    this.#empty = empty;
  }

  /**
   * @param shown what the text is of, for messages
   * @throws InputError `secrets/content` naming every line that is wrong, and no word of what stands there
   */
  static parse(text: string, shown: string): SecretMapping {
    const lines = new LineCounter();
    // The words of a syntax error may quote what is wrong, and so only its code is told.
    const document = parseDocument(text, { schema: 'failsafe', prettyErrors: false, lineCounter: lines, logLevel: 'silent' });
    const place = (offset: number): string => `line ${Math.max(1, lines.linePos(offset).line)}`;
    const wrong = document.errors.map(({ pos, code }) => `${place(pos[0])}: not valid YAML (${code.toLowerCase().replaceAll('_', ' ')})`);
    if (wrong.length === 0) wrong.push(...problemsOf(document, place));
    if (wrong.length === 0) return new SecretMapping(document, text);
    throw new InputError({
      kind: 'secrets/content',
      message: [`${shown} does not hold names and texts:`, ...wrong].join('\n'),
      hint: 'write one `name: "text"` a line',
    });
  }

  /** In the order of the file. */
  names(): string[] {
    return this.#pairs().map(({ name }) => name);
  }

  get(name: string): string | undefined {
    return this.#pairs().find((pair) => pair.name === name)?.value;
  }

  /** @throws InputError `secrets/value` for what no file or line of a password can hold */
  set(name: string, value: string): void {
    checkName(name);
    checkValue(name, value);
    const scalar = new Scalar(value);
    scalar.type = 'QUOTE_DOUBLE';
    // Comments of an empty mapping stand in the document itself.
    if (this.#document.contents === null) this.#document.contents = this.#document.createNode({});
    this.#document.set(name, scalar);
  }

  /** Takes a name away; false where there is none. */
  remove(name: string): boolean {
    return isMap(this.#document.contents) && this.#document.contents.delete(name);
  }

  /** As it is kept. */
  text(): string {
    return this.#document.contents === null ? this.#empty : this.#document.toString({ lineWidth: 0 });
  }

  #pairs(): { name: string; value: string }[] {
    const { contents } = this.#document;
    if (!isMap(contents)) return [];
    return contents.items.map(({ key, value }) => ({ name: textOf(key) ?? '', value: textOf(value) ?? '' }));
  }
}

/** @throws InputError `secrets/name` */
export function checkName(name: string): void {
  if (NAME.test(name) && !/\p{Surrogate}/u.test(name)) return;
  throw new InputError({ kind: 'secrets/name', message: 'the name of a secret is one line of 1 to 255 characters' });
}

/** @throws InputError `secrets/value` */
export function checkValue(name: string, value: string): void {
  const wrong = problemOf(value);
  if (wrong !== undefined) throw new InputError({ kind: 'secrets/value', message: `the value of ${name} ${wrong}` });
}

/** What keeps a text from being a secret. */
export function problemOf(value: string): string | undefined {
  if (value === '') return 'is empty';
  if (value.includes('\0')) return 'holds a NUL character';
  return /\p{Surrogate}/u.test(value) ? 'holds half of a surrogate pair, which is no character' : undefined;
}

function textOf(node: unknown): string | undefined {
  return isScalar(node) && typeof node.value === 'string' ? node.value : undefined;
}

function problemsOf(document: Document, place: (offset: number) => string): string[] {
  const { contents } = document;
  if (contents === null || (isScalar(contents) && (contents.value === null || contents.value === ''))) {
    document.contents = null;
    return [];
  }
  if (!isMap(contents)) return ['line 1: not a mapping of names to texts'];
  return contents.items.flatMap(({ key, value }) => {
    const at = place(isScalar(key) ? (key.range?.[0] ?? 0) : 0);
    const name = textOf(key);
    if (name === undefined || !NAME.test(name)) return [`${at}: the name is not one line of 1 to 255 characters`];
    const text = textOf(value);
    const wrong = text === undefined ? 'is not a text' : problemOf(text);
    return wrong === undefined ? [] : [`${at}: the value of ${name} ${wrong}`];
  });
}
