import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { inLab } from '../../lab/paths.js';
import type { LabHost } from '../../lab/index.js';
import { must } from './outside.js';

/** A package of the lab's mirror for EL, made anew with another release. */
export interface NewerRpm {
  name: string;
  /** Another version; default: that of the mirror's. */
  version?: string;
  /** Shell that changes the unpacked package, in its directory. */
  change?: string;
}

/** Unpacks `$1`, has `$2` change it, and packs it as version `$3`, release `$4`, into `$5`: the same files, scriptlets and dependencies. */
const RESPIN = `set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/stage"
rpm2archive - <"$1" | tar -C "$work/stage" -xz
( cd "$work/stage" && eval "$2" )
spec=$work/new.spec
present=$(rpm -qp --qf '%{VERSION}-%{RELEASE}' "$1" 2>/dev/null)
name=$(rpm -qp --qf '%{NAME}' "$1" 2>/dev/null)
{
printf '%%define debug_package %%{nil}\\n%%define __os_install_post %%{nil}\\n%%define _build_id_links none\\n'
printf 'Name: %s\\nVersion: %s\\nRelease: %s\\nSummary: newer\\nLicense: free\\nAutoReqProv: no\\n' "$name" "$3" "$4"
rpm -qp --qf 'BuildArch: %{ARCH}\\n' "$1" 2>/dev/null | grep noarch || :
rpm -qp --requires "$1" 2>/dev/null | grep -v -e '^rpmlib' -e '^/bin/sh' | sed "s/$present/$3-$4/; s/^/Requires: /"
rpm -qp --provides "$1" 2>/dev/null | grep -v "^$name" | sed "s/$present/$3-$4/; s/^/Provides: /"
printf '%%description\\nnewer\\n%%install\\ncp -a %s/. %%{buildroot}/\\n' "$work/stage"
rpm -qp --scripts "$1" 2>/dev/null | sed 's/^preinstall scriptlet.*/%pre/; s/^postinstall scriptlet.*/%post/; s/^preuninstall scriptlet.*/%preun/; s/^postuninstall scriptlet.*/%postun/'
printf '%%files\\n'
rpm -qp --qf '[%{FILEMODES:octal} %{FILEUSERNAME} %{FILEGROUPNAME} c%{FILEFLAGS:fflags} %{FILENAMES}\\n]' "$1" 2>/dev/null | while read -r mode user group flags path; do
case "$path" in '' | '(none)') continue ;; esac
kind=
case "$mode" in 04* | 4????) kind='%dir ' ;; esac
case "$flags" in c*c*) kind='%config(noreplace) ' ;; esac
printf '%s%%attr(%s,%s,%s) "%s"\\n' "$kind" "$(printf '%s' "$mode" | tail -c 4)" "$user" "$group" "$path"
done
} >"$spec"
rpmbuild -bb --quiet --target x86_64 --define "_topdir $work/top" --define "_rpmdir $5" --define '_build_name_fmt %%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm' --define '_empty_manifest_terminate_build 0' --define '_binary_payload w3.gzdio' "$spec"
`;

/** Has Rocky hosts offer themselves these packages with another release; gives the versions by name. */
export async function offerNewerRpms(
  hosts: readonly LabHost[],
  release: string,
  packages: readonly NewerRpm[],
): Promise<Record<string, string>> {
  const run = promisify(execFile);
  const folder = await mkdtemp(join(tmpdir(), 'pgprov-newer-'));
  const versions: [string, string][] = [];
  for (const { name, version, change = ':' } of packages) {
    const { stdout: found } = await run('find', [
      inLab('sites', 'download.postgresql.org'),
      '-regex',
      `.*/${name}-[0-9][^/]*\\.rpm`,
      '-path',
      '*rhel-9*',
    ]);
    const [file = ''] = found.split('\n');
    const made = version ?? (await run('rpm', ['-qp', '--qf', '%{VERSION}', file])).stdout;
    await run('sh', ['-c', RESPIN, 'respin', file, change, made, release, folder]);
    versions.push([name, `${made}-${release}`]);
  }
  await run('createrepo_c', ['--quiet', '--general-compress-type=gz', folder]);
  await run('tar', ['-C', folder, '-czf', `${folder}.tar.gz`, '.']);
  const input = (await readFile(`${folder}.tar.gz`)).toString('base64');
  for (const host of hosts) {
    await must(host, 'rm -rf /srv/newer && mkdir -p /srv/newer');
    const { code, stderr } = await host.exec('base64 -d | tar -C /srv/newer -xz', { input });
    if (code !== 0) throw new Error(stderr);
    await must(host, "printf '[newer]\\nname=newer\\nbaseurl=file:///srv/newer\\nenabled=1\\ngpgcheck=0\\n' >/etc/yum.repos.d/newer.repo");
  }
  await rm(folder, { recursive: true });
  await rm(`${folder}.tar.gz`);
  return Object.fromEntries(versions);
}
