import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** A file system that services of a host write to. */
export interface FileSystem {
  mounted: string;
  /** Which of the directories that were asked for are on it. */
  holds: readonly string[];
  /** Bytes; `free` is what is left for ordinary users. */
  size: number;
  free: number;
  /** 0 where the file system makes them as it needs them. */
  inodes: number;
  freeInodes: number;
  readOnly: boolean;
}

/** The observation's id. */
export const FILE_SYSTEMS = handle<readonly FileSystem[]>('file-systems');

/** The file systems of these directories, each once; of those that are there. */
export function fileSystems(paths: readonly string[]): Observation<readonly FileSystem[]> {
  return {
    ...FILE_SYSTEMS,
    when: 'start',
    // df may wait for ever for a file system of the network whose server is gone.
    probe: () => sh`for path in ${paths}; do
[ -d "$path" ] || continue
printf 'path\t%s\n' "$path"
timeout 5 df -P -k "$path" 2>/dev/null | tail -n 1 | sed 's/^/blocks\t/'
timeout 5 df -P -i "$path" 2>/dev/null | tail -n 1 | sed 's/^/inodes\t/'
done
while read -r device mounted type options rest; do
case ",$options," in *,ro,*) printf 'read-only\t%b\n' "$mounted" ;; esac
done </proc/mounts`,
    parse: (answer) => {
      const found = new Map<string, FileSystem>();
      let path = '';
      let mounted = '';
      for (const line of answerLines(answer)) {
        const [kind, rest = ''] = line.split('\t');
        if (kind === 'path') path = rest;
        if (kind === 'read-only') set(found, rest, () => ({ readOnly: true }));
        const figures = /^.*? +(?<size>\d+|-) +(?<used>\d+|-) +(?<free>\d+|-) +(?:\d+%|-) +(?<on>\/.*)$/u.exec(rest)?.groups;
        if (figures === undefined) continue;
        const [size, free] = [Number(figures['size']) || 0, Number(figures['free']) || 0];
        mounted = figures['on'] ?? '';
        if (kind === 'blocks') {
          const before = found.get(mounted);
          found.set(mounted, {
            ...(before ?? { inodes: 0, freeInodes: 0, readOnly: false }),
            mounted,
            holds: [...(before?.holds ?? []), path],
            size: size * 1024,
            free: free * 1024,
          });
        } else if (kind === 'inodes') set(found, mounted, () => ({ inodes: size, freeInodes: free }));
      }
      return [...found.values()];
    },
  };
}

function set(found: Map<string, FileSystem>, mounted: string, change: () => Partial<FileSystem>): void {
  const one = found.get(mounted);
  if (one !== undefined) found.set(mounted, { ...one, ...change() });
}
