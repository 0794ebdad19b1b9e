import { keyFingerprints } from '../lib/openpgp.js';
import { WORK_DIRECTORY } from '../shell/lock.js';
import { joinScripts, sh, type Script } from '../shell/quote.js';
import { DEFAULT_LOCK_TIMEOUT, defineAptGet } from './apt-packages.js';
import { file, OWNED_BY_ROOT, parsePath, probePath, writeFileScript, type PathState } from './file.js';
import { answerText, digestOf, type Change, type Resource } from './resource.js';

/** An OpenPGP key file that apt trusts for one repository. */
export interface AptKeyOptions {
  /** Where the key is kept on the host. */
  path: string;
  /** 40 hex digits; the file must hold this primary key and no other. */
  fingerprint: string;
  /** The armored key itself; without it the host fetches `url`. */
  armored?: string;
  url: string;
}

/**
 * A pinned repository key. The host fetches it with apt's own downloader and installs it only when the
 * first key in it has the pinned fingerprint; what was installed is then read back and checked whole.
 */
export function aptKey(options: AptKeyOptions): Resource<PathState> {
  const { path, fingerprint, armored, url } = options;
  const id = `apt-key:${path}`;
  return {
    id,
    probe: () => probePath(path),
    parse: (answer) => parsePath(id, answer),
    diff: (state): Change[] => {
      if (state.type !== 'file') return [{ action: 'create', summary: `install key ${fingerprint} as ${path}` }];
      const held = keyFingerprints(state.content);
      if (held.length === 1 && held[0] === fingerprint) return [];
      const found = held.length === 0 ? 'no readable key' : held.join(', ');
      return [{ action: 'update', summary: `replace key ${path}: it holds ${found}, pinned is ${fingerprint}` }];
    },
    apply: () =>
      armored === undefined
        ? downloadKey(path, fingerprint, url)
        : joinScripts([sh`mkdir -p "$(dirname ${path})"`, writeFileScript(path, armored, OWNED_BY_ROOT)]),
    digest: () => digestOf(id, fingerprint),
  };
}

/** A version 4 fingerprint is the SHA-1 of the first packet as GnuPG exports it: 99, two bytes of length, body. */
function downloadKey(path: string, fingerprint: string, url: string): Script {
  return sh`mkdir -p "$(dirname ${path})"
work=$(mktemp -d ${WORK_DIRECTORY}/key.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"
if ! /usr/lib/apt/apt-helper download-file ${url} "$work/key" >"$work/log" 2>&1; then
grep -E '^(E|W|Err)' "$work/log" || cat "$work/log"
echo ${`the repository key could not be fetched from ${url}: check the address and the host's way out, or set pgdg.key_url or pgdg.key`}
exit 1
fi
if grep -q 'BEGIN PGP' "$work/key"; then
tr -d '\r' <"$work/key" | sed -e '1,/^[[:space:]]*$/d' -e '/^=/,$d' -e '/^-----END/,$d' | base64 -d >"$work/bin"
else
cp "$work/key" "$work/bin"
fi
length=$(od -An -tu1 -j1 -N2 "$work/bin" | awk '{ print $1 * 256 + $2 + 3 }')
found=$(head -c "$length" "$work/bin" | sha1sum | cut -d' ' -f1 | tr a-f A-F)
if [ "$found" != ${fingerprint} ]; then
echo ${`the key at ${url} is not the pinned one`}
echo "found $found, expected "${fingerprint}
exit 1
fi
chmod 0644 "$work/key"
mv -f "$work/key" ${path}`;
}

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

