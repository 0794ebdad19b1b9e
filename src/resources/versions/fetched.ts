import { defineAptGet } from '../apt-packages.js';
import { defineDnf } from '../dnf.js';
import { handle } from '../handle.js';
import { DEFAULT_LOCK_TIMEOUT } from '../packages-state.js';
import { answerLines, digestOf, NOTHING_DONE, type Observation, type Resource } from '../resource.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';
import type { PackageManager, Versions } from './installed.js';

/** Where an update keeps what it goes back with, and notes what it has fetched. */
export const UPDATE_DIRECTORY = '/var/lib/pgprov/update';

const FORMER = `${UPDATE_DIRECTORY}/former`;
const NOTE = `${UPDATE_DIRECTORY}/fetched`;

/** Room that stays free, in kB. */
const SPARE = 51_200;

/** What a host has fetched for an update. */
export interface FetchedState {
  /** Of which versions (`fetchDigest`); '' for none. */
  digest: string;
  /** Packages whose former version can be put back, because its file is kept. */
  kept: readonly string[];
}

/** The observation's id. */
export const PACKAGES_FETCHED = handle<FetchedState>('packages-fetched');

/** What is fetched, and what for. */
export interface FetchOptions {
  manager: PackageManager;
  versions: Versions;
  /** Those that are installed, of which the files are kept. */
  former: Versions;
  /** Seconds to wait for somebody else's package manager; default 300. */
  lockTimeout?: number;
}

/** What is noted once these are fetched. */
export function fetchDigest({ versions, former }: Pick<FetchOptions, 'versions' | 'former'>): string {
  return digestOf(JSON.stringify(versions), JSON.stringify(former));
}

/** What a host has fetched. */
export function packagesFetched(): Observation<FetchedState> {
  return {
    ...PACKAGES_FETCHED,
    probe: () => sh`cat ${NOTE} 2>/dev/null || :`,
    parse: (answer) => {
      const [digest = '', ...kept] = answerLines(answer);
      return { digest, kept };
    },
  };
}

/** Packages that are downloaded before any of them is installed, and the files of the versions that they replace, where those can be had. */
export function packagesToFetch(options: FetchOptions): Resource<FetchedState> {
  const { manager, versions, former, lockTimeout = DEFAULT_LOCK_TIMEOUT } = options;
  const digest = fetchDigest(options);
  const words = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return {
    ...packagesFetched(),
    diff: (state) => (state.digest === digest ? [] : [{ action: 'run', summary: `download ${words.join(', ')}` }]),
    apply: () => sh`mkdir -p ${UPDATE_DIRECTORY}
rm -rf ${FORMER} ${NOTE}
mkdir -m 0755 ${FORMER}
${manager === 'apt' ? fetchWithApt(versions, former, lockTimeout) : fetchWithDnf(versions, former, lockTimeout)}
for name in ${Object.keys(former)}; do
if ls ${FORMER}/"$name".* >/dev/null 2>&1; then kept="$kept $name"
else note "no repository has the version of $name that is installed any more, so there is no way back to it"; fi
done
printf '%s\n' ${digest} $kept >${`${NOTE}.new`}
sync -f ${`${NOTE}.new`} 2>/dev/null || sync
mv ${`${NOTE}.new`} ${NOTE}`,
    digest: () => digest,
  };
}

/** apt looks only for room for the files that it downloads; what they unpack to, `Installed-Size` tells, in kB. */
function fetchWithApt(versions: Versions, former: Versions, lockTimeout: number): Script {
  const wanted = Object.entries(versions).map(([name, version]) => `${name}=${version}`);
  const keep = Object.entries(former).map(
    ([name, version]) => sh`( cd ${FORMER} && apt-get -q download ${`${name}=${version}`} >/dev/null 2>&1 ) ||
cp /var/cache/apt/archives/${name}_${version.replaceAll(':', '%3a')}_*.deb ${FORMER} 2>/dev/null || :
for file in ${FORMER}/${name}_*.deb; do [ ! -e "$file" ] || mv "$file" ${`${FORMER}/${name}.deb`}; done`,
  );
  return sh`kept=
${defineAptGet(lockTimeout)}
trap 'rm -f "$apt_log"' EXIT
set -- --no-install-recommends --allow-downgrades --allow-change-held-packages install ${wanted}
got=$(apt-get -qq --print-uris "$@" 2>/dev/null | awk '/^.http|^.file|^.copy/ { sum += $3 } END { printf "%d", sum / 1024 }')
unpacked=$(apt-cache show ${wanted} 2>/dev/null | awk '$1 == "Installed-Size:" { sum += $2 } END { printf "%d", sum }')
need=$((2 * got + unpacked + ${SPARE}))
for place in /usr /var/cache/apt /var/lib/pgprov; do
free=$(df -Pk "$place" | awk 'NR == 2 { print $4 }')
if [ "$free" -lt "$need" ]; then
echo "$((free / 1024)) MB are free in $place, and the update takes up to $((need / 1024)) MB"
exit ${NOTHING_DONE}
fi
done
apt_get --download-only "$@" || { apt_explain; exit 1; }
${joinScripts(keep)}`;
}

/** dnf looks for room by itself, for what it downloads and for what that unpacks to. */
function fetchWithDnf(versions: Versions, former: Versions, lockTimeout: number): Script {
  const wanted = Object.entries(versions).map(([name, version]) => `${name}-${version}`);
  const keep = Object.keys(former).map(
    (name) => sh`run_dnf --downloadonly --downloaddir ${FORMER} reinstall ${name} || :
for file in ${FORMER}/${name}-[0-9]*.rpm; do [ ! -e "$file" ] || mv "$file" ${`${FORMER}/${name}.rpm`}; done`,
  );
  return sh`kept=
${defineDnf(lockTimeout)}
trap 'rm -f "$dnf_log"' EXIT
run_dnf --setopt=install_weak_deps=False --downloadonly install ${wanted} || { explain_dnf; exit 1; }
${joinScripts(keep)}`;
}

/** The files of the former versions of these packages. */
export function formerFiles(manager: PackageManager, names: readonly string[]): string[] {
  return names.map((name) => `${FORMER}/${name}.${manager === 'apt' ? 'deb' : 'rpm'}`);
}
