import { randomBytes } from 'node:crypto';
import { INPUT } from './frame.js';
import { joinScripts, sh, type Script } from './quote.js';

/** Seconds between two signs of life of what follows something. */
const BEAT_SECONDS = 10;

/** A script ready to be sent, and the nonce that its first and last line have. */
export interface StreamedScript {
  text: string;
  nonce: string;
}

/**
 * Wraps a script whose output is read while it comes, so that a truncated one runs nothing, and that its output can be told from noise
 * before and after it. Its children read from /dev/null.
 */
export function streamScript(script: Script): StreamedScript {
  const nonce = `pgprov-${randomBytes(12).toString('hex')}`;
  const text = joinScripts([
    sh`pgprov_main() {
LC_ALL=C
export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH
unset ENV BASH_ENV CDPATH
cd /
umask 077
printf '\n%s begin\n' ${nonce}`,
    script,
    sh`printf '\n%s end\n' ${nonce}
}
{
exec ${INPUT}<&0
pgprov_main </dev/null
exit 0
}`,
  ]).text;
  return { text: `${text}\n`, nonce };
}

/**
 * Runs what never ends by itself, beside the script, until the script's input ends: when pgprov ends, is killed, or its connection is gone. A
 * connection that was cut without a word shows when the signs of life that are sent on stderr are acknowledged by nobody.
 * @param body runs in a shell of its own, and ends its children when it gets SIGTERM: it is one `exec`, or has a trap
 */
export function untilInputEnds(body: Script): Script {
  return sh`pgprov_work=
pgprov_beat=
trap 'kill $pgprov_work $pgprov_beat 2>/dev/null; exit 0' TERM
{ cat >/dev/null; kill "$$"; } <&${INPUT} >/dev/null 2>&1 &
exec ${INPUT}<&-
(
${body}
) 2>/dev/null &
pgprov_work=$!
( while sleep ${BEAT_SECONDS} >/dev/null 2>&1 && kill -0 "$$"; do printf '\n' >&2 || exit; done ) >/dev/null &
pgprov_beat=$!
wait "$pgprov_work"
kill "$pgprov_beat" 2>/dev/null`;
}

/** Reads the lines of a streamed script from chunks as they come. Empty ones are left out. */
export class StreamReader {
  readonly #nonce: string;
  readonly #onLine: (line: Buffer) => void;
  #parts: Buffer[] = [];
  #begun = false;
  #complete = false;

  constructor(nonce: string, onLine: (line: Buffer) => void) {
    this.#nonce = nonce;
    this.#onLine = onLine;
  }

  /** The last line was seen; without it the connection was cut. */
  get complete(): boolean {
    return this.#complete;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      this.#parts.push(chunk.subarray(from, at));
      this.#line(this.#parts.length === 1 ? (this.#parts[0] as Buffer) : Buffer.concat(this.#parts));
      this.#parts = [];
      from = at + 1;
    }
    // Copied, because what it is part of may be used again.
    if (from < chunk.length) this.#parts.push(Buffer.from(chunk.subarray(from)));
  }

  #line(line: Buffer): void {
    if (line.length === 0 || this.#complete) return;
    const isMark = line.length < 80 && line.toString('latin1').startsWith(this.#nonce);
    if (isMark && line.toString('latin1') === `${this.#nonce} begin`) this.#begun = true;
    else if (isMark && line.toString('latin1') === `${this.#nonce} end`) this.#complete = true;
    else if (this.#begun) this.#onLine(line);
  }
}
