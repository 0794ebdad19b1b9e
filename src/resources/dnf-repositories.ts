import { WORK_DIRECTORY } from '../shell/lock.js';
import { joinScripts, sh, type Script } from '../shell/quote.js';
import { defineDnf } from './dnf.js';
import { file } from './files/file.js';
import { OWNED_BY_ROOT, type PathState } from './files/path.js';
import { writeFileScript } from './files/writing.js';
import { DEFAULT_LOCK_TIMEOUT } from './packages-state.js';
import type { Resource } from './resource.js';

/** One repository of dnf. */
export interface DnfRepository {
  /** Unique among all repositories of the host. */
  id: string;
  /** For people. */
  title: string;
  /** The first that answers is used; dnf's variables such as `$basearch` may stand in them. */
  urls: readonly string[];
}

/** Repositories that share a file and a key. */
export interface DnfRepositoriesOptions {
  /** Patterns of packages that only pgprov brings to other versions (`excludepkgs`, dnf.conf(5)); default: none. */
  kept?: readonly string[];
  /** File name under /etc/yum.repos.d, without the ending. */
  name: string;
  repositories: readonly DnfRepository[];
  /** Path of the key on the host; it signs the packages and the index. */
  keyPath: string;
  lockTimeout?: number;
}

/**
 * A file of dnf repositories, all of whose indexes were fetched and verified. They are fetched by way of a
 * draft of the file first, so a mirror that is down or not signed by the pinned key leaves the host as it was.
 */
export function dnfRepositories(options: DnfRepositoriesOptions): Resource<PathState> {
  const { name, repositories, keyPath, kept = [] } = options;
  const path = `/etc/yum.repos.d/${name}.repo`;
  const content = `# Managed by pgprov\n${repositories.map((repository) => section(repository, keyPath, kept)).join('\n')}`;
  return {
    ...file({ path, content }),
    apply: () => joinScripts([verify(options, content), writeFileScript(path, content, OWNED_BY_ROOT)]),
  };
}

function section({ id, title, urls }: DnfRepository, keyPath: string, kept: readonly string[]): string {
  return [
    `[${id}]`,
    `name=${title}`,
    `baseurl=${urls.join('\n        ')}`,
    'enabled=1',
    'gpgcheck=1',
    'repo_gpgcheck=1',
    `gpgkey=file://${keyPath}`,
    // A module of the distribution would otherwise hide packages of the same name here.
    'module_hotfixes=1',
    ...(kept.length === 0 ? [] : [`excludepkgs=${kept.join(',')}`]),
    '',
  ].join('\n');
}

function verify({ repositories, lockTimeout }: DnfRepositoriesOptions, content: string): Script {
  return sh`work=$(mktemp -d ${WORK_DIRECTORY}/repos.XXXXXX)
printf %s ${content} >"$work/draft.repo"
${defineDnf(lockTimeout ?? DEFAULT_LOCK_TIMEOUT)}
trap 'rm -rf "$work" "$dnf_log"' EXIT
if ! run_dnf --setopt=reposdir="$work" --setopt=skip_if_unavailable=False --setopt=timeout=20 --setopt=retries=2 --refresh makecache; then
explain_dnf
${joinScripts(repositories.map(({ id, urls }) => sh`if grep -qF ${`'${id}'`} "$dnf_log"; then echo ${`${id} is ${urls.join(' or ')}`}; fi`))}
echo 'no repository was added; check the address (pgdg.base_url), the signature, and whether the mirror has this version for this system'
exit 1
fi
rm -rf "$work" "$dnf_log"`;
}
