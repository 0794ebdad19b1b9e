import { keyFingerprints } from '../lib/openpgp.js';
import type { PinnedKey } from '../platform/index.js';
import { WORK_DIRECTORY } from '../shell/lock.js';
import { seconds } from '../shell/patience.js';
import { joinScripts, sh, type Script } from '../shell/quote.js';
import { OWNED_BY_ROOT, parsePath, pathQuestion, probePath, type PathState } from './files/path.js';
import { writeFileScript } from './files/writing.js';
import { digestOf, type Change, type Resource } from './resource.js';

/** An OpenPGP key file that a package manager trusts for one repository. */
export interface SigningKeyOptions {
  /** Where the key is kept on the host. */
  path: string;
  /** The key to fetch: that of the host's architecture, else the one without. The file must hold one of them and no other key. */
  keys: readonly PinnedKey[];
  /** The armored key itself; without it the host fetches it. */
  armored?: string;
  /** What fetches it: the package manager's own downloader where there is one, because it knows the host's proxy. */
  manager: 'apt' | 'dnf';
}

/**
 * A pinned repository key. The host fetches it and installs it only when the first key in it has the
 * pinned fingerprint; what was installed is then read back and checked whole.
 */
export function signingKey(options: SigningKeyOptions): Resource<PathState> {
  const { path, keys, armored, manager } = options;
  const id = `signing-key:${path}`;
  const fingerprints = [...new Set(keys.map(({ fingerprint }) => fingerprint))];
  const pinned = fingerprints.join(' or ');
  return {
    id,
    sharedQuestions: [pathQuestion(path)],
    probe: () => probePath(path),
    parse: (answer) => parsePath(id, answer),
    diff: (state): Change[] => {
      if (state.type !== 'file') return [{ action: 'create', summary: `install key ${pinned} as ${path}` }];
      const held = keyFingerprints(state.content);
      if (held.length === 1 && fingerprints.includes(held[0] ?? '')) return [];
      const found = held.length === 0 ? 'no readable key' : held.join(', ');
      return [{ action: 'update', summary: `replace key ${path}: it holds ${found}, pinned is ${pinned}` }];
    },
    apply: () =>
      joinScripts([
        sh`mkdir -p "$(dirname ${path})"`,
        armored === undefined ? downloadKey(path, keys, manager) : writeFileScript(path, armored, OWNED_BY_ROOT),
      ]),
    digest: () => digestOf(id, ...fingerprints),
  };
}

const DOWNLOADERS: Readonly<Record<SigningKeyOptions['manager'], Script>> = {
  apt: sh`/usr/lib/apt/apt-helper download-file "$url" "$work/key"`,
  // dnf has no downloader for a single file, so curl is told of the proxy that dnf may be set up with.
  dnf: sh`(
proxy=$(sed -n 's/^proxy *= *//p' /etc/dnf/dnf.conf 2>/dev/null)
[ -z "$proxy" ] || export http_proxy="$proxy" https_proxy="$proxy"
curl -fsSL --retry 2 -m ${seconds(60)} -o "$work/key" "$url"
)`,
};

/** Sets `$url` and `$pinned` for the host's architecture. */
function chooseKey(keys: readonly PinnedKey[]): Script {
  const choose = ({ url, fingerprint }: PinnedKey): Script => sh`url=${url} pinned=${fingerprint}`;
  const general = keys.find(({ architecture }) => architecture === undefined);
  return joinScripts([
    ...(general === undefined ? [] : [choose(general)]),
    ...keys.flatMap((key) =>
      key.architecture === undefined ? [] : [sh`if [ "$(uname -m)" = ${key.architecture} ]; then ${choose(key)}; fi`],
    ),
  ]);
}

/** A version 4 fingerprint is the SHA-1 of the first packet as GnuPG exports it: 99, two bytes of length, body. */
function downloadKey(path: string, keys: readonly PinnedKey[], manager: SigningKeyOptions['manager']): Script {
  return sh`${chooseKey(keys)}
work=$(mktemp -d ${WORK_DIRECTORY}/key.XXXXXX)
trap 'rm -rf "$work"' EXIT
chmod 0755 "$work"
if ! ${DOWNLOADERS[manager]} >"$work/log" 2>&1; then
grep -E '^(E|W|Err|curl)' "$work/log" || cat "$work/log"
echo "the repository key could not be fetched from $url: check the address and the host's way out, or set pgdg.key_url or pgdg.key"
exit 1
fi
if grep -q 'BEGIN PGP' "$work/key"; then
tr -d '\r' <"$work/key" | sed -e '1,/^[[:space:]]*$/d' -e '/^=/,$d' -e '/^-----END/,$d' | base64 -d >"$work/bin"
else
cp "$work/key" "$work/bin"
fi
length=$(od -An -tu1 -j1 -N2 "$work/bin" | awk '{ print $1 * 256 + $2 + 3 }')
found=$(head -c "$length" "$work/bin" | sha1sum | cut -d' ' -f1 | tr a-f A-F)
if [ "$found" != "$pinned" ]; then
echo "the key at $url is not the pinned one"
echo "found $found, expected $pinned"
exit 1
fi
chmod 0644 "$work/key"
mv -f "$work/key" ${path}
if command -v restorecon >/dev/null 2>&1; then restorecon ${path} || :; fi`;
}
