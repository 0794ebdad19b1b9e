import { defineBytes } from '../data-copy.js';
import { handle } from '../handle.js';
import { ASIDE } from '../put-aside.js';
import { answerLines, type Observation } from '../resource.js';
import { sh, type Script } from '../../shell/quote.js';

/** A directory that holds a tablespace of a server, outside of its data directory. */
export interface Tablespace {
  location: string;
  /** What it takes on its disk, in bytes. */
  bytes: number;
  /** What it is on. */
  disk: Disk;
  /** What keeps it from being renamed, as a clause that follows its name: `is a mount point`. */
  fixed: string | undefined;
}

/** A file system. */
export interface Disk {
  /** Its device number, which tells it from the others of the host; '' where it is not known. */
  device: string;
  /** Free bytes for ordinary users. */
  free: number;
}

/** The tablespaces of a server. */
export interface Tablespaces {
  /** What the data directory is on. */
  disk: Disk;
  all: readonly Tablespace[];
}

/** The observation's id. */
export const TABLESPACES = handle<Tablespaces>('tablespaces');

/** Where the data directory's links to its tablespaces are. */
const linksOf = (path: string): string => `${path}/pg_tblspc`;

/** `Tablespace.fixed` of a directory that only a whole rename of it would be against. */
export const SHARED = 'has more in it than one tablespace';

const WHY_FIXED: Readonly<Record<string, string>> = { link: 'is a symbolic link', mount: 'is a mount point', shared: SHARED };

/** The tablespaces of the server whose data directory this is. */
export function tablespaces(path: string): Observation<Tablespaces> {
  return {
    ...TABLESPACES,
    probe: () => sh`${defineBytes}
${defineDisk}
echo "data" $(disk ${path})
for link in ${linksOf(path)}/*; do
[ -L "$link" ] || continue
at=$(readlink "$link")
echo "$(bytes "$at")" $(disk "$at") "$(held "$at") $at"
done`,
    parse: (answer) => {
      const [data = '', ...rest] = answerLines(answer);
      return { disk: readDisk(data.slice(data.indexOf(' ') + 1)), all: rest.flatMap(readTablespace) };
    },
  };
}

/** Defines `disk PLACE`, which prints the figures of its `Disk`, and `held DIRECTORY`, a word for what keeps it from being renamed. */
export const defineDisk: Script = sh`disk() {
at=$1
while [ ! -d "$at" ]; do at=$(dirname "$at"); done
echo "$(stat -c %d "$at") $(stat -f -c '%a %S' "$at")"
}
held() {
if [ -L "$1" ]; then echo link
elif mountpoint -q "$1" 2>/dev/null; then echo mount
elif [ -d "$1" ] && [ "$(ls -A "$1" | wc -l)" -gt 1 ]; then echo shared
else echo -
fi
}`;

/** What `disk` printed. */
export function readDisk(figures: string): Disk {
  const [device = '', blocks, size] = figures.split(' ');
  return { device, free: Number(blocks) * Number(size) || 0 };
}

/** A line of its bytes, what `disk` and `held` print of its directory, and where that is. */
export function readTablespace(line: string): Tablespace[] {
  const [, bytes, figures = '', why = '', location = ''] = /^(\d+) (\S+ \S+ \S+) (\S+) (\/.*)$/u.exec(line) ?? [];
  return bytes === undefined ? [] : [{ location, bytes: Number(bytes), disk: readDisk(figures), fixed: WHY_FIXED[why] }];
}

/** Sets the link of a tablespace anew, in one move. */
export const RELINK: Script = sh`relink() {
ln -s "$2" "$1.pgprov"
mv -T "$1.pgprov" "$1"
}`;

/**
 * Takes `link` in turn as each link of a data directory, with what it leads to, `to`, and where that is to be while nothing is aside, `was`; what was
 * left of a link that was being made is removed.
 */
export function eachLink(path: string, what: Script): Script {
  return sh`rm -f ${linksOf(path)}/*.pgprov
${eachLinkSeen(path, what)}`;
}

/** The same for who only looks. */
export function eachLinkSeen(path: string, what: Script): Script {
  return sh`for link in ${linksOf(path)}/*; do
[ -L "$link" ] || continue
to=$(readlink "$link")
was=$(printf '%s\n' "$to" | sed ${`s/\\${ASIDE}[0-9]*T[0-9]*$//`})
${what}
done`;
}

/** Makes the directory `was` as one was that is beside it now, `to`. */
const EMPTY_ONE = sh`mkdir "$was"
chown --reference="$to" "$was"
chmod --reference="$to" "$was"
chcon --reference="$to" "$was" 2>/dev/null || :`;

/**
 * Renames the directories of all tablespaces, with the time in their new names, and makes empty ones in their places; the links of the data lead to
 * them where they are. Cut off anywhere it is finished by doing it again, and the data stays whole meanwhile.
 */
export function tablespacesAside(path: string): Script {
  return sh`${RELINK}
${eachLink(
  path,
  sh`if [ "$was" = "$to" ]; then
to=$was${ASIDE}$(date +%Y%m%dT%H%M%S)
relink "$link" "$to"
fi
if [ ! -e "$to" ] && [ -e "$was" ]; then mv -T "$was" "$to"; fi
if [ -e "$to" ] && [ ! -e "$was" ]; then
${EMPTY_ONE}
fi`,
)}`;
}

/** Copies the tablespaces of data aside into their places, which are noted, and has the links of the draft, a copy of that data, lead there. */
export function tablespacesCopied(from: string, path: string, draft: string): Script {
  return sh`${RELINK}
${tablespacesNoted(path, eachLink(from, sh`printf '%s\n' "$was"`))}
${eachLink(
  draft,
  sh`if [ "$was" = "$to" ] || [ -n "$(ls -A "$was")" ]; then
printf '%s\n' "the tablespace $to of "${from}" has no empty directory that it could be copied into"
exit 1
fi
cp -a --reflink=auto "$to/." "$was/"
relink "$link" "$was"`,
)}`;
}

/** The file that names the directories which a copy fills, each of which was empty before. */
const noteOf = (path: string): string => `${path}.pgprov-tablespaces`;

/**
 * Notes which directories of tablespaces a copy is about to fill.
 * @param locations prints the location of each tablespace, a line each
 */
export function tablespacesNoted(path: string, locations: Script): Script {
  return sh`${locations} | while read -r at; do
if [ -d "$at" ] && [ -z "$(ls -A "$at")" ]; then printf '%s\n' "$at"; fi
done >${noteOf(path)}
[ -s ${noteOf(path)} ] || rm -f ${noteOf(path)}`;
}

/** Empties the directories again that a copy has filled, as noted; what was copied into them is elsewhere. */
export function tablespaceCopiesRemoved(path: string): Script {
  return sh`if [ -e ${noteOf(path)} ]; then
while read -r was; do find "$was" -mindepth 1 -delete; done <${noteOf(path)}
fi`;
}

/** Renames what a copy that was broken off has left in directories of tablespaces, with the time in the new names, and makes empty ones in their places. */
export function halfTablespacesAside(path: string): Script {
  return sh`if [ -e ${noteOf(path)} ]; then
while read -r was; do
to=$was.pgprov-copy.$(date +%Y%m%dT%H%M%S)
[ -n "$(ls -A "$was" 2>/dev/null)" ] || continue
mv -T "$was" "$to"
${EMPTY_ONE}
done <${noteOf(path)}
rm -f ${noteOf(path)}
fi`;
}

/** The copy is whole: what is in the directories of its tablespaces is data. */
export function tablespacesKept(path: string): Script {
  return sh`rm -f ${noteOf(path)}`;
}
