import { answerText, type Answer, type Observation } from './resource.js';
import { sh, type Script } from '../shell/quote.js';
import type { SharedQuestion } from './shared-question.js';

/** How much a snapshot of a cluster keeps: all of it, or what is asked for in a second or two, ahead of a step without a way back. */
export type SnapshotForm = 'full' | 'light';

/** A file of a snapshot, by its path below its host's directory. */
export interface SavedFile {
  name: string;
  content: Buffer;
}

/** Something that a snapshot was to keep and does not have. */
export interface NotSaved {
  name: string;
  /** A clause: `is not there`. */
  why: string;
}

/** What came of one part of a snapshot. */
export interface SavedState {
  files: readonly SavedFile[];
  missing: readonly NotSaved[];
}

/** A part of a snapshot, asked of a host. Its parser is total: what cannot be read is missing. */
export interface SavedPart extends Observation<SavedState> {
  /** The cluster has it once: its files are kept of the first host that has them, below the directory of the cluster. */
  readonly ofCluster?: true;
}

/** What a part may be besides what it reads. */
export interface SavedOptions {
  /** The cluster has it once. */
  ofCluster?: true;
  /** Bytes that it may have; a larger one is left out. Default: 16 MiB. */
  limit?: number;
  /** Not to have it is nothing to tell. */
  optional?: true;
}

const USUAL_LIMIT = 16 * 1024 * 1024;

/** The status of a probe that has nothing, and says why in its last line. */
const NOT_SAVED = 9;

/** A file as it is, by its path on the host. */
export function savedFile(name: string, path: string, { limit = USUAL_LIMIT, ...options }: SavedOptions = {}): SavedPart {
  const probe = sh`[ -e ${path} ] || { echo ${`there is no ${path}`}; exit ${NOT_SAVED}; }
[ -f ${path} ] || { echo ${`${path} is no file`}; exit ${NOT_SAVED}; }
size=$(wc -c <${path})
[ "$size" -le ${limit} ] || { echo "it has $size bytes, more than" ${limit}; exit ${NOT_SAVED}; }
cat ${path}`;
  return part(name, probe, options);
}

/** What a script prints, stderr included; it must fail, with a line that says why, where there is nothing. */
export function savedOutput(name: string, script: Script, options: Omit<SavedOptions, 'limit'> = {}): SavedPart {
  return part(
    name,
    sh`{
${script}
} 2>&1`,
    options,
  );
}

/** The files of a directory whose names match a pattern of the shell, in a directory of their own; none is nothing to tell. */
export function savedFiles(name: string, directory: string, pattern: Script): SavedPart {
  return {
    ...identity(name, {}),
    probe: () => sh`cd ${directory} 2>/dev/null || exit 0
for file in ${pattern}; do
[ -f "$file" ] || continue
size=$(wc -c <"$file")
[ "$size" -le ${USUAL_LIMIT} ] || continue
printf '%s %s\n' "$size" "$file"
head -c "$size" "$file"
done`,
    parse: ({ out }) => ({ files: readListed(name, out), missing: [] }),
  };
}

/** What is read out of an answer. */
export interface SavedAnswer {
  /** Those whose answers the probe prints; default: none. */
  questions?: readonly SharedQuestion[];
  probe: Script;
  /** Why there is nothing, as a clause, in the place of a content. */
  read(answer: Answer): Buffer | string;
}

/** What is made out of an answer. */
export function savedAnswer(
  name: string,
  { questions = [], probe, read }: SavedAnswer,
  options: Pick<SavedOptions, 'ofCluster'> = {},
): SavedPart {
  return {
    ...identity(name, options),
    sharedQuestions: questions,
    probe: () => probe,
    parse: (answer) => {
      const content = read(answer);
      return typeof content === 'string' ? { files: [], missing: [{ name, why: content }] } : { files: [{ name, content }], missing: [] };
    },
  };
}

function part(name: string, probe: Script, { optional, ...options }: SavedOptions): SavedPart {
  return {
    ...identity(name, options),
    probe: () => probe,
    parse: (answer) => {
      if (answer.status === 0) return { files: [{ name, content: answer.out }], missing: [] };
      return { files: [], missing: optional === true ? [] : [{ name, why: lastLineOf(answer) }] };
    },
  };
}

function identity(name: string, { ofCluster }: SavedOptions): Pick<SavedPart, 'id' | 'ofCluster'> {
  return { id: `saved:${name}`, ...(ofCluster === true ? { ofCluster } : {}) };
}

/** Why a probe has nothing, as far as it says so: its last line. */
export function lastLineOf(answer: Answer): string {
  const lines = answerText(answer).split('\n');
  return lines.map((line) => line.trim()).findLast((line) => line !== '') ?? `the host said nothing (status ${answer.status})`;
}

/** Reads `SIZE NAME`, a line feed and so many bytes, again and again; what was cut off is left out. */
function readListed(directory: string, out: Buffer): SavedFile[] {
  const files: SavedFile[] = [];
  for (let at = 0; ; ) {
    const end = out.indexOf(0x0a, at);
    if (end < 0) return files;
    const [, size = '', name = ''] = /^(\d+) (.+)$/u.exec(out.toString('utf8', at, end)) ?? [];
    at = end + 1 + Number(size);
    if (name === '' || at > out.length) return files;
    files.push({ name: `${directory}/${name}`, content: out.subarray(end + 1, at) });
  }
}
