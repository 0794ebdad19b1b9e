import { quote } from '../lib/shell-word.js';

/** A piece of POSIX shell. Only the `sh` tag and `joinScripts` make one, so every value in it is quoted. */
export class Script {
  readonly #text: string;
  /** @internal use the `sh` tag */
  private constructor(text: string) {
    this.#text = text;
  }

  /** The shell text as it is sent. */
  get text(): string {
    return this.#text;
  }

  toString(): string {
    return this.#text;
  }

  /** @internal */
  static build(text: string): Script {
    return new Script(text);
  }
}

/** What may stand in a hole of the `sh` tag: values are quoted, scripts are inlined, arrays become words. */
export type ShellValue = string | number | Script | readonly (string | number)[];

function fill(value: ShellValue): string {
  if (value instanceof Script) return value.text;
  if (Array.isArray(value)) return value.map((word: string | number) => quote(word)).join(' ');
  return quote(value as string | number);
}

/**
 * The only way to build a Script: `` sh`chown ${owner} ${path}` ``.
 * Back-slashes in the literal part are kept as written, so the literal part says `$name`, never with braces.
 */
export function sh(strings: TemplateStringsArray, ...values: ShellValue[]): Script {
  let text = strings.raw[0] ?? '';
  values.forEach((value, index) => {
    text += fill(value) + (strings.raw[index + 1] ?? '');
  });
  return Script.build(text);
}

/** Scripts one after the other, a line each. */
export function joinScripts(scripts: readonly Script[], separator: '\n' | ' && ' | ' ' = '\n'): Script {
  return Script.build(scripts.map((script) => script.text).join(separator));
}

/** The script that does nothing. */
export const NOTHING: Script = sh`:`;
