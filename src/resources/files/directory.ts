import { joinScripts, type Script, sh } from '../../shell/quote.js';
import { digestOf, type Resource } from '../resource.js';
import { diffOwnership, type Ownership, parsePath, type PathState, pathQuestion, setOwnershipScript } from './path.js';

/** A directory, by default root's with mode 0755. */
export interface DirectoryOptions extends Partial<Ownership> {
  path: string;
  /** Another mode that is left as it is where it is found. */
  orMode?: string;
  /** Where it is not there it is not made, because a package brings it, or a service makes it. */
  ifThere?: boolean;
}

/** A directory with this owner, group and mode, or a symbolic link to one; parents are made, contents left alone. */
export function directory(options: DirectoryOptions): Resource<PathState> {
  const { path, orMode, ifThere = false } = options;
  const ownership: Ownership = {
    owner: options.owner ?? 'root',
    group: options.group ?? 'root',
    mode: options.mode ?? '0755',
  };
  const id = `directory:${path}`;
  return {
    id,
    sharedQuestions: [pathQuestion(path)],
    probe: () => probeDirectory(path),
    parse: (answer) => parsePath(id, answer),
    diff: (state) => {
      if (state.type === 'directory') {
        return diffOwnership(path, state, state.mode === orMode ? { ...ownership, mode: orMode } : ownership);
      }
      if (state.type === 'absent' && ifThere) return [];
      const { owner, group, mode } = ownership;
      return [{ action: 'create', summary: `make directory ${path} (${owner}:${group} ${mode})` }];
    },
    // Four digits would leave a setgid bit that the directory inherited.
    apply: (_changes, state) => {
      if (state.type === 'other') return refuse(path, state.what);
      return joinScripts([sh`mkdir -p ${path}`, setOwnershipScript(path, { ...ownership, mode: `0${ownership.mode}` })]);
    },
    digest: () => digestOf(id, ownership.owner, ownership.group, ownership.mode),
  };
}

/** What stands where a directory belongs is left to its owner; a link that leads nowhere may lead to what is not mounted. */
function refuse(path: string, what: string): Script {
  return sh`echo ${`${path} is a ${what}, and no directory is there: mount or make it, or move what is there out of the way, and run this again`}
exit 1`;
}

/** The same for a directory, which may be one that a symbolic link leads to, as to another file system. */
function probeDirectory(path: string): Script {
  return sh`pgprov_path ${path} '' follow`;
}
