import type { LogLine } from './log-line.js';

type Source = 'journal' | 'files';

/** Texts at the last time of a log, of which there may be more. */
interface Last {
  at: number;
  texts: ReadonlySet<string>;
}

const NOTHING: Last = { at: Number.NEGATIVE_INFINITY, texts: new Set() };

/** Where the logs of a host continue when they are followed anew after it was lost: no line is given twice, and none left out. */
export class Resume {
  readonly #since: number;
  readonly #last: Record<Source, { at: number; texts: Set<string> }> = {
    journal: { at: Number.NEGATIVE_INFINITY, texts: new Set() },
    files: { at: Number.NEGATIVE_INFINITY, texts: new Set() },
  };
  #before: Record<Source, Last> = { journal: NOTHING, files: NOTHING };

  /** @param since milliseconds since 1970 */
  constructor(since: number) {
    this.#since = since;
  }

  /** From when on lines are to be read now. */
  begin(): number {
    const { journal, files } = this.#last;
    this.#before = { journal: { at: journal.at, texts: new Set(journal.texts) }, files: { at: files.at, texts: new Set(files.texts) } };
    const seen = [journal.at, files.at].filter((at) => at > Number.NEGATIVE_INFINITY);
    return seen.length === 0 ? this.#since : Math.max(this.#since, Math.min(...seen));
  }

  /** Whether the line was not given before the host was lost. */
  isNew({ at, text }: LogLine, from: Source): boolean {
    const [before, last] = [this.#before[from], this.#last[from]];
    if (at < before.at || (at === before.at && before.texts.has(text))) return false;
    if (at > last.at) this.#last[from] = { at, texts: new Set([text]) };
    else if (at === last.at) last.texts.add(text);
    return true;
  }
}
