import { WORK_DIRECTORY } from '../shell/lock.js';
import { sh } from '../shell/quote.js';
import { defineAptGet } from './apt-packages.js';
import { DEFAULT_LOCK_TIMEOUT } from './packages-state.js';
import { file } from './files/file.js';
import { OWNED_BY_ROOT, parsePath, pathQuestion, probePath, type PathState } from './files/path.js';
import { writeFileScript } from './files/writing.js';
import { answerText, digestOf, type Resource } from './resource.js';

/** A deb822 source and its package lists. */
export interface AptRepositoryOptions {
  /** File name under /etc/apt/sources.list.d, without the ending. */
  name: string;
  uri: string;
  suite: string;
  components: readonly string[];
  /** Path of the key on the host. */
  signedBy: string;
  lockTimeout?: number;
}

/** The file, and whether apt has the repository's lists. */
export interface AptRepositoryState {
  file: PathState;
  listed: boolean;
}

/** How apt names the list of a repository under /var/lib/apt/lists (apt-pkg's URItoFileName). */
function listName(uri: string, suite: string): string {
  const bare = uri.replace(/^[a-z+]+:\/\/(?:[^/@]*@)?/u, '').replace(/\/+$/u, '');
  const quoted = bare.replace(/[\\|{}[\]<>"^~_=!@#$%&*]/gu, (character) => `%${character.charCodeAt(0).toString(16)}`);
  return `${quoted.replaceAll('/', '_')}_dists_${suite}_InRelease`;
}

/**
 * An apt source whose lists are there. The lists are fetched from a draft of the source first, so a mirror
 * that is down or not signed by the pinned key leaves the host's own sources as they were.
 */
export function aptRepository(options: AptRepositoryOptions): Resource<AptRepositoryState> {
  const { name, uri, suite } = options;
  const path = `/etc/apt/sources.list.d/${name}.sources`;
  const id = `apt-repository:${name}`;
  const list = `/var/lib/apt/lists/${listName(uri, suite)}`;
  const content = [
    'Types: deb',
    `URIs: ${uri}`,
    `Suites: ${suite}`,
    `Components: ${options.components.join(' ')}`,
    `Signed-By: ${options.signedBy}`,
    '',
  ].join('\n');
  const source = file({ path, content });
  return {
    id,
    sharedQuestions: [pathQuestion(path)],
    probe: () => sh`if [ -e ${list} ]; then echo listed; else echo unlisted; fi
${probePath(path)}`,
    parse: (answer) => {
      const text = answerText(answer);
      const first = text.indexOf('\n') + 1;
      return {
        listed: text.startsWith('listed\n'),
        file: parsePath(id, { status: answer.status, out: answer.out.subarray(first) }),
      };
    },
    diff: (state) => {
      const changes = source.diff(state.file);
      if (changes.length > 0) return changes;
      return state.listed ? [] : [{ action: 'update', summary: `fetch the package lists of ${uri} ${suite}` }];
    },
    apply: () => sh`work=$(mktemp -d ${WORK_DIRECTORY}/sources.XXXXXX)
chmod 0755 "$work"
printf %s ${content} >"$work/draft.sources"
${defineAptGet(options.lockTimeout ?? DEFAULT_LOCK_TIMEOUT)}
trap 'rm -rf "$work" "$apt_log"' EXIT
if ! apt_get -o Dir::Etc::sourcelist="$work/draft.sources" -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any -o Acquire::Retries=2 -o Acquire::http::Timeout=20 -o Acquire::https::Timeout=20 update; then
apt_explain
echo ${`the repository ${uri} ${suite} was not added; check the address (pgdg.base_url) and its signature`}
exit 1
fi
${writeFileScript(path, content, OWNED_BY_ROOT)}`,
    digest: () => digestOf(id, content),
  };
}
