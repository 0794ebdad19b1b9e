import { inspect } from 'node:util';

const MASK = '***';

/** Shorter values would mask half of any text, so they are left to the structural rules of `redact`. */
const SHORTEST_MASKED = 4;

const known = new Set<string>();

/** A secret whose value is not here yet, and what brings it. */
export interface DeferredSecret {
  secret: Secret;
  fill(value: string): void;
}

/**
 * A value that prints as `***` wherever it is shown: templates, JSON, errors, `console.log`.
 * Only `reveal()` opens it. Making one also teaches `redact` to hide the value in free text.
 */
export class Secret {
  #value: string | undefined;

  constructor(value: string) {
    this.#value = value;
    learn(value);
  }

  /** A secret that is fetched later, and cannot be revealed before. */
  static deferred(): DeferredSecret {
    const secret = new Secret('');
    secret.#value = undefined;
    const fill = (value: string): void => {
      secret.#value = value;
      learn(value);
    };
    return { secret, fill };
  }

  /** Whether the value is here; it always is but in an inventory that was only checked. */
  get isHere(): boolean {
    return this.#value !== undefined;
  }

  /** The value itself, for the one place that must have it. */
  reveal(): string {
    if (this.#value === undefined) throw new Error('a secret is revealed that was not fetched');
    return this.#value;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}

/** Has `redact` hide a value from now on, in all the ways that it is written. */
function learn(value: string): void {
  if (value.length < SHORTEST_MASKED) return;
  known.add(value);
  known.add(JSON.stringify(value).slice(1, -1));
  // As it stands in a .pgpass file.
  known.add(value.replace(/[\\:]/gu, '\\$&'));
}

/** `reveal()` for a Secret, the value itself for a plain string. */
export function reveal(value: string | Secret): string {
  return value instanceof Secret ? value.reveal() : value;
}

const SECRET_KEY = String.raw`\b(?:\w*password|passwd|pgpassword|secret|token|auth_token)\b["']?`;

/** What stands before the path of an inventory's variable in a message; behind the path are words about it. */
const PROBLEM = String.raw`^(?:[^\s:]+\.ya?ml:\d+:\d+|--set) [\w.-]*`;

/**
 * What secrets look like in files that pgprov did not write: key-value settings, .pgpass lines, PEM keys.
 * Each pattern keeps group 1 and hides the rest.
 */
const SECRET_SHAPES: readonly RegExp[] = [
  new RegExp(String.raw`(${SECRET_KEY}\s*[:=]\s*)(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\n]|'')*')`, 'giu'),
  new RegExp(String.raw`^(\s*(?:- )?${SECRET_KEY}:[ \t]+)(?![\s"'*])[^\n]+`, 'gimu'),
  new RegExp(String.raw`(?<!${PROBLEM})(${SECRET_KEY}\s*[:=]\s*)(?![\s"'*])[^\s,}]+`, 'gimu'),
  /(\bPASSWORD\s+)E?'(?:[^']|'')*'/giu,
  /^((?:[^:\s\\]|\\.)+:(?:\d+|\*):(?:[^:\s\\]|\\.)+:(?:[^:\s\\]|\\.)+:)\S+$/gmu,
  /(-----BEGIN [A-Z ]*PRIVATE KEY-----)[\s\S]*?(?=-----END)/gu,
  /(postgres(?:ql)?:\/\/[^:/\s]*:)[^@\s]+(?=@)/gu,
];

/** Text with every known secret, and everything shaped like one, replaced by `***`. */
export function redact(text: string): string {
  let out = text;
  for (const value of [...known].sort((a, b) => b.length - a.length)) out = out.split(value).join(MASK);
  for (const shape of SECRET_SHAPES) out = out.replace(shape, `$1${MASK}`);
  return out;
}
