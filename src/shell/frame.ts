import { randomBytes } from 'node:crypto';
import { PATIENCE_VARIABLE } from './patience.js';
import { joinScripts, NOTHING, Script, sh } from './quote.js';

/** One part of a script whose answer comes back under its own name. */
export interface Section {
  /** Unique in the script. */
  id: string;
  body: Script;
  /**
   * `probe`: runs whatever happened before, its stderr is kept out of the answer.
   * `shared`: runs in the script's own shell and answers nothing itself; sets variables that the probes after it read.
   * `step`: stops at the first failing command, is skipped when an earlier step failed, and its stderr is
   * part of the answer, because that is where the reason of a failure stands.
   */
  mode: 'probe' | 'step' | 'shared';
}

/** What one section answered. */
export interface Answer {
  /** Exit status of the section. */
  status: number;
  /** The exact bytes it printed. */
  out: Buffer;
}

/** A script ready to be sent, and the nonce that its answer is framed with. */
export interface FramedScript {
  text: string;
  nonce: string;
}

/** File descriptor on which a script with an `afterwards` finds its input, which its sections do not get. */
export const INPUT = 6;

/** What must be held while the script runs; file descriptors 6 to 9 belong to it. */
export interface FrameOptions {
  /** Runs before the sections, in the main shell; may print `note` lines and `exit`. */
  before?: Script;
  /** Runs after the end frame was printed, with stdin open. */
  afterwards?: Script;
  /** How many times longer than usual what waits in it waits; default: as long as usual. */
  patience?: number;
  /** The steps continue where nobody reads their answers any more, as long as they print nothing themselves; default: they end. */
  unbroken?: boolean;
}

/** Names a person would not use, so a section's own variables cannot collide with them. */
const PRELUDE = sh`LC_ALL=C
export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset ENV BASH_ENV CDPATH
cd /
umask 022
pgprov_failed=
pgprov_nl='
'
exec 7>&1
pgprov_mark() { printf '\n%s %s\n' "$pgprov_nonce" "$*"; }
note() { pgprov_mark note "$*" >&7; }`;

/** An id as one word of a frame, because a path in it may hold white space or any other character. */
function toWord(id: string): string {
  return [...Buffer.from(id)]
    .map((byte) => (/[!-$&-~]/u.test(String.fromCharCode(byte)) ? String.fromCharCode(byte) : `%${byte.toString(16).padStart(2, '0')}`))
    .join('');
}

/** Lets the script outlive its reader; what runs in a section dies of writing to nobody, as it should. */
const IGNORE_LOST_READER = sh`trap '' PIPE`;
const HEED_LOST_READER = sh`trap - PIPE`;

function sectionScript({ id: name, body, mode }: Section, unbroken: boolean): Script {
  if (mode === 'shared') return body;
  const id = toWord(name);
  if (mode === 'probe') {
    return sh`pgprov_mark begin ${id}
(
${body.text === '' ? NOTHING : body}
)
pgprov_mark done ${id} "$?"`;
  }
  return sh`if [ -z "$pgprov_failed" ]; then
pgprov_mark begin ${id}
(
set -e
${unbroken ? joinScripts([HEED_LOST_READER, body]) : body}
) 2>&1
pgprov_status=$?
pgprov_mark done ${id} "$pgprov_status"
[ "$pgprov_status" = 0 ] || pgprov_failed=1
fi`;
}

/**
 * Wraps sections so that a truncated script runs nothing (all of it is one function, called inside braces
 * that close on the last line), children cannot eat the script (stdin is /dev/null), and the answer can be told from any noise.
 */
export function frameScript(sections: readonly Section[], options: FrameOptions = {}): FramedScript {
  const nonce = `pgprov-${randomBytes(12).toString('hex')}`;
  const script = joinScripts([
    sh`pgprov_main() {
pgprov_nonce=${nonce}
${Script.build(PATIENCE_VARIABLE)}=${options.patience ?? 1}`,
    PRELUDE,
    ...(options.unbroken === true ? [IGNORE_LOST_READER] : []),
    ...(options.before ? [options.before] : []),
    ...sections.map((section) => sectionScript(section, options.unbroken === true)),
    sh`pgprov_mark end
}
{`,
    ...(options.afterwards === undefined ? [] : [sh`exec ${INPUT}<&0`]),
    sh`pgprov_main </dev/null`,
    ...(options.afterwards ? [options.afterwards] : []),
    sh`exit 0
}`,
  ]);
  return { text: `${script.text}\n`, nonce };
}

/** What a frame parser reports, in the order in which the host says it. */
export interface FrameListener {
  begin?(id: string): void;
  done?(id: string, answer: Answer): void;
  /** A line for people, sent while a section runs. */
  note?(text: string): void;
}

/**
 * Reads a framed answer from chunks as they come. Bytes outside sections are noise and are dropped.
 */
export class FrameParser {
  readonly #marker: Buffer;
  readonly #listener: FrameListener;
  #pending: Buffer = Buffer.alloc(0);
  #open: { id: string; parts: Buffer[] } | undefined;
  #complete = false;

  constructor(nonce: string, listener: FrameListener) {
    this.#marker = Buffer.from(`\n${nonce} `);
    this.#listener = listener;
  }

  /** True once the end frame was seen; without it the connection was cut, whatever the exit code says. */
  get complete(): boolean {
    return this.#complete;
  }

  /** The section that was running when the answer stopped. */
  get unfinished(): string | undefined {
    return this.#open?.id;
  }

  push(chunk: Buffer): void {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    for (;;) {
      const at = this.#pending.indexOf(this.#marker);
      if (at < 0) break;
      const lineEnd = this.#pending.indexOf(0x0a, at + this.#marker.length);
      if (lineEnd < 0) {
        this.#keep(at);
        return;
      }
      this.#open?.parts.push(this.#pending.subarray(0, at));
      const line = this.#pending.subarray(at + this.#marker.length, lineEnd).toString('utf8');
      this.#pending = this.#pending.subarray(lineEnd + 1);
      this.#frame(line);
    }
    this.#keep(Math.max(0, this.#pending.length - this.#marker.length));
  }

  /** Moves the bytes before `length` to the open section; the rest may be the start of a marker. */
  #keep(length: number): void {
    if (length === 0) return;
    this.#open?.parts.push(this.#pending.subarray(0, length));
    this.#pending = this.#pending.subarray(length);
  }

  #frame(line: string): void {
    const [word, ...rest] = line.split(' ');
    if (word === 'note') {
      this.#listener.note?.(rest.join(' '));
    } else if (word === 'begin' && rest[0] !== undefined) {
      const id = decodeURIComponent(rest[0]);
      this.#open = { id, parts: [] };
      this.#listener.begin?.(id);
    } else if (word === 'done' && this.#open) {
      const { id, parts } = this.#open;
      this.#open = undefined;
      this.#listener.done?.(id, { status: Number(rest[1]), out: Buffer.concat(parts) });
    } else if (word === 'end') {
      this.#complete = true;
    }
  }
}
