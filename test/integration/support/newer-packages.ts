import type { LabHost } from '../../lab/index.js';
import { must, shellWord } from './outside.js';

/** Where a host has the packages that it offers itself. */
const REPOSITORY = '/srv/newer';

/** A package of the lab's mirror, made anew with another version. */
export interface NewerPackage {
  name: string;
  /** Made from the present one. */
  version(present: string): string;
  /** Shell that changes the unpacked package, in its directory. */
  change?: string;
}

/** Has a Debian host offer itself newer versions of packages that it has, beside those that it offered before; gives the versions by name. */
export async function offerNewer(host: LabHost, packages: readonly NewerPackage[]): Promise<Record<string, string>> {
  await must(host, `mkdir -m 0755 -p ${REPOSITORY} && apt-get -q update >/dev/null`);
  const versions: [string, string][] = [];
  for (const { name, version, change = ':' } of packages) {
    const present = await must(host, `apt-cache policy ${name} | sed -n 's/^  Installed: //p'`);
    const next = version(present);
    await must(
      host,
      `set -e
work=$(mktemp -d) && chmod 0755 $work && cd $work
apt-get -q download ${shellWord(`${name}=${present}`)} >/dev/null 2>&1
dpkg-deb -R ${name}_*.deb new
sed -i ${shellWord(`s/^Version: .*/Version: ${next}/`)} new/DEBIAN/control
( cd new && ${change} )
dpkg-deb -Znone -b new ${REPOSITORY}/${name}_${next}.deb >/dev/null
rm -rf $work`,
    );
    versions.push([name, next]);
  }
  await must(
    host,
    `cd ${REPOSITORY} && for file in *.deb; do
dpkg-deb -f $file
echo "Filename: ./$file"
echo "Size: $(stat -c %s $file)"
echo "SHA256: $(sha256sum $file | cut -d ' ' -f 1)"
echo
done >Packages
echo 'deb [trusted=yes] file:${REPOSITORY} ./' >/etc/apt/sources.list.d/newer.list`,
  );
  return Object.fromEntries(versions);
}

/** `17.12` becomes `17.13`. */
export function raised(version: string): string {
  return version.replace(/^(.*?)(\d)(?=-|$)/u, (_, before: string, digit: string) => `${before}${(Number(digit) + 1) % 10}`);
}

/** A package's version as the program calls itself: `17.12` of `17.12-1.pgdg13+1`. */
export function upstream(version: string): string {
  return version.replace(/-[^-]*$/u, '');
}

/** Writes one text over another of the same length in a program. */
export function patched(path: string, from: string, to: string): string {
  return `perl -pi -e 's/\\Q${from}\\E/${to}/g' ${path}`;
}

/** Has Debian hosts offer themselves PostgreSQL in another version, with the programs changed by shell; gives the version. */
export async function offerServer(
  hosts: readonly LabHost[],
  major: number,
  version: (present: string) => string,
  change?: string,
): Promise<string> {
  const server = `postgresql-${major}`;
  const [told = {}] = await Promise.all(
    hosts.map((host) =>
      offerNewer(host, [
        { name: server, version, ...(change === undefined ? {} : { change }) },
        { name: `postgresql-client-${major}`, version },
      ]),
    ),
  );
  return told[server] ?? '';
}

/** Has them offer a server that says the next version of itself, and works. */
export async function offerNextServer(hosts: readonly LabHost[], major: number): Promise<string> {
  const [host] = hosts as readonly [LabHost];
  const present = await must(host, `dpkg-query -W -f '\${Version}' postgresql-${major}`);
  // pg_ctl starts a server of its own version alone.
  const change = ['postgres', 'pg_ctl'].map((name) => patched(`${programs(major)}/${name}`, upstream(present), upstream(raised(present))));
  return offerServer(hosts, major, raised, change.join(' && '));
}

/** Has them offer a server that does not start. */
export function offerBrokenServer(hosts: readonly LabHost[], major: number): Promise<string> {
  const change = `printf '#!/bin/sh\\necho it is broken >&2\\nexit 1\\n' >${programs(major)}/postgres`;
  return offerServer(hosts, major, (present) => `${present}+broken1`, change);
}

function programs(major: number): string {
  return `usr/lib/postgresql/${major}/bin`;
}
