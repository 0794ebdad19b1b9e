import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { sh } from '../../shell/quote.js';
import { keysQuestion, type EtcdClient } from './client.js';
import { damageWords, ETCD_DAMAGE, ETCD_LET_IN } from './damage.js';
import { readEtcdFile } from './file.js';
import { ASIDE } from '../put-aside.js';
import type { Observation } from '../resource.js';
import { STORE_LEFT, type DatabaseContent, type ScopeCopy, type StoreLeft } from '../scope-copy.js';
import { expand } from '../server-process.js';
import { printAnswer } from '../shared-question.js';

/** Bytes of a database from which on it is not fetched: Patroni's keys take some hundred kilobytes. */
const LIMIT = 64 * 1024 * 1024;

/** Of those that were put aside and have keys of the scope, so many are looked at, the last ones: a new one may be given up before it gets any. */
const ASIDES = 3;

/** Lines of a journal in which the end of a member is looked for: a panic prints some hundred. */
const LINES = 1000;

/** The member on a host. */
interface Member {
  unit: string;
  directory: string;
}

/**
 * What the databases on a host have of a scope, of the member there and of the last ones that were put aside, and whether the member that is down can
 * read its data. A database is sent once in a run, packed where the host has gzip; none is where etcd itself knows the scope's cluster.
 * @param prefix the scope's, `/service/demo/`
 */
export function etcdLeft(client: EtcdClient, { unit, directory }: Member, prefix: string): Observation<StoreLeft> {
  const question = keysQuestion(client, prefix);
  const known = `"${Buffer.from(`${prefix}initialize`).toString('base64')}"`;
  return {
    ...STORE_LEFT,
    sharedQuestions: [question],
    probe: (last) => sh`case "$(${printAnswer(question)})" in *${known}*) exit 0 ;; esac
if [ -d ${`${directory}/member`} ] && [ "$(systemctl show -p MainPID --value ${unit} 2>/dev/null)" = 0 ]; then
echo down
at=$(stat -c %Z ${[directory, `${directory}/member`, `${directory}/member/snap/db`]} 2>/dev/null | sort -n | tail -n 1)
said=$(journalctl -q -u ${unit} -n ${LINES} -o short-unix --no-pager 2>/dev/null | grep -E ${`${ETCD_LET_IN}|${ETCD_DAMAGE}`} | tail -n 1)
[ -z "$said" ] || printf 'said %s %s\n' "$at" "$said"
fi
had=${` ${[...(last?.contents?.keys() ?? [])].join(' ')} `}
tell() {
[ -f "$1/member/snap/db" ] || return 0
at=$(stat -c %Y "$1/member/snap/db" "$1"/member/wal/*.wal 2>/dev/null | sort -n | tail -n 1)
size=$(wc -c <"$1/member/snap/db")
if [ "$size" -gt ${LIMIT} ]; then echo "large $at $size - $1"; return; fi
sum=$(head -c "$size" "$1/member/snap/db" | sha256sum)
sum=${expand('sum%% *')}
case "$had" in
*" $sum "*) echo "same $at $size $sum $1" ;;
*) echo "database $at $size $sum $1"; had="$had$sum " ;;
esac
}
index=$(tell ${directory}
set --
for aside in ${directory}${ASIDE}*/; do
aside=${expand('aside%/')}
! grep -qsF ${prefix} "$aside/member/snap/db" || set -- "$@" "$aside"
done
while [ $# -gt ${ASIDES} ]; do shift; done
for aside; do tell "$aside"; done)
[ -z "$index" ] || printf '%s\n' "$index"
pack=cat
! command -v gzip >/dev/null || pack=gzip
echo "sent $pack"
printf '%s\n' "$index" | while read -r kind at size sum path; do
[ "$kind" != database ] || head -c "$size" "$path/member/snap/db"
done | if [ $pack = gzip ]; then gzip -1; else cat; fi`,
    parse: ({ out }, last) => readLeft(out, directory, prefix, last?.contents),
  };
}

type Contents = ReadonlyMap<string, DatabaseContent>;

function readLeft(out: Buffer, directory: string, prefix: string, had: Contents = new Map()): StoreLeft {
  const { isDown, said, databases, sent } = readEnd(out, directory);
  const contents = new Map([...had, ...contentsIn(sent, databases, prefix)]);
  const copies: ScopeCopy[] = [];
  const unread = [...said];
  let isDamaged = said.length > 0;
  for (const { kind, at, size, sum, path } of databases) {
    const content = contents.get(sum);
    if (kind === 'large') unread.push(`${path} has a database of ${size} bytes, which is too large to be fetched`);
    else if (content === undefined) unread.push(`the database in ${path} cannot be read: it was written meanwhile`);
    else if ('unreadable' in content) {
      unread.push(`the database in ${path} cannot be read: ${content.unreadable}`);
      // An empty one is made anew from the WAL, and one that is written meanwhile may be read torn.
      isDamaged ||= isDown && path === directory && size > 0;
    } else copies.push({ ...content, at: new Date(at * 1000).toISOString(), path });
  }
  return { copies, unread, ...(isDamaged ? { damaged: true } : {}), ...(contents.size === 0 ? {} : { contents }) };
}

/** A line about a database; its content follows where it is of the kind `database`. */
interface DatabaseLine {
  kind: string;
  at: number;
  size: number;
  sum: string;
  path: string;
}

/** The databases that were sent, one after the other, by their sums. One that was written between the line about it and its content is left out. */
function contentsIn(sent: Buffer, databases: readonly DatabaseLine[], prefix: string): Map<string, DatabaseContent> {
  const found = new Map<string, DatabaseContent>();
  let at = 0;
  for (const { kind, size, sum } of databases) {
    if (kind !== 'database') continue;
    const file = sent.subarray(at, at + size);
    at += size;
    if (createHash('sha256').update(file).digest('hex') === sum) found.set(sum, contentOf(file, prefix));
  }
  return found;
}

function contentOf(file: Buffer, prefix: string): DatabaseContent {
  try {
    const { revision, keys } = readEtcdFile(file);
    const all = [...keys];
    const own = all.filter(([key]) => key.startsWith(prefix)).map(([key, value]): [string, string] => [key.slice(prefix.length), value]);
    return { revision, keys: new Map(own), others: all.length - own.length };
  } catch (error) {
    return { unreadable: (error as Error).message };
  }
}

/** What comes before the contents: whether the member is down, why it cannot work with its data, and which databases there are. */
function readEnd(out: Buffer, directory: string): { isDown: boolean; said: string[]; databases: DatabaseLine[]; sent: Buffer } {
  const said: string[] = [];
  const databases: DatabaseLine[] = [];
  let isDown = false;
  for (let at = 0, end = out.indexOf(0x0a); end >= 0; at = end + 1, end = out.indexOf(0x0a, at)) {
    const line = out.toString('utf8', at, end);
    const [, kind = '', time, size, sum = '', path = ''] = /^(database|same|large) (\d+) (\d+) (\S+) (.+)$/u.exec(line) ?? [];
    const [, since, spoken, text = ''] = /^said (\d+) (\d+)\S* \S+ \S+ (.*)$/u.exec(line) ?? [];
    if (line.startsWith('sent ')) return { isDown, said, databases, sent: unpacked(out.subarray(end + 1), line === 'sent gzip') };
    if (line === 'down') isDown = true;
    else if (kind !== '') databases.push({ kind, at: Number(time), size: Number(size), sum, path });
    // What it said of other data, which was in the same place before, says nothing of this.
    else if (since !== undefined && Number(spoken) >= Number(since) && new RegExp(ETCD_DAMAGE, 'u').test(text))
      said.push(`etcd cannot read what is in ${directory}: ${damageWords(text)}`);
  }
  return { isDown, said, databases, sent: Buffer.alloc(0) };
}

/** Nothing where it cannot be unpacked: then no database has its sum. */
function unpacked(sent: Buffer, isPacked: boolean): Buffer {
  if (!isPacked) return sent;
  try {
    return gunzipSync(sent);
  } catch {
    return Buffer.alloc(0);
  }
}
