import { sh } from '../../shell/quote.js';
import { keysQuestion, type EtcdClient } from './client.js';
import { damageWords, ETCD_DAMAGE, ETCD_LET_IN } from './damage.js';
import { readEtcdFile } from './file.js';
import { ASIDE } from '../put-aside.js';
import type { Observation } from '../resource.js';
import { STORE_LEFT, type ScopeCopy, type StoreLeft } from '../scope-copy.js';
import { expand } from '../server-process.js';
import { printAnswer } from '../shared-question.js';

/** Bytes of a database from which on it is not fetched: Patroni's keys take some hundred kilobytes. */
const LIMIT = 64 * 1024 * 1024;

/** Of so many that were put aside, the last ones, each is looked at: the last may be a new one that was given up before the keys were in it. */
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
 * read its data; nothing is fetched where etcd itself knows the scope's cluster.
 * @param prefix the scope's, `/service/demo/`
 */
export function etcdLeft(client: EtcdClient, { unit, directory }: Member, prefix: string): Observation<StoreLeft> {
  const question = keysQuestion(client, prefix);
  const known = `"${Buffer.from(`${prefix}initialize`).toString('base64')}"`;
  return {
    ...STORE_LEFT,
    sharedQuestions: [question],
    probe: () => sh`case "$(${printAnswer(question)})" in *${known}*) exit 0 ;; esac
if [ -d ${`${directory}/member`} ] && [ "$(systemctl show -p MainPID --value ${unit} 2>/dev/null)" = 0 ]; then
echo down
at=$(stat -c %Z ${[directory, `${directory}/member`, `${directory}/member/snap/db`]} 2>/dev/null | sort -n | tail -n 1)
said=$(journalctl -q -u ${unit} -n ${LINES} -o short-unix --no-pager 2>/dev/null | grep -E ${`${ETCD_LET_IN}|${ETCD_DAMAGE}`} | tail -n 1)
[ -z "$said" ] || printf 'said %s %s\n' "$at" "$said"
fi
tell() {
[ -f "$1/member/snap/db" ] || return 0
at=$(stat -c %Y "$1/member/snap/db" "$1"/member/wal/*.wal 2>/dev/null | sort -n | tail -n 1)
size=$(wc -c <"$1/member/snap/db")
if [ "$size" -gt ${LIMIT} ]; then echo "large $at $size $1"
else
echo "database $at $size $1"
head -c "$size" "$1/member/snap/db"
fi
}
tell ${directory}
set -- ${directory}${ASIDE}*/
while [ $# -gt ${ASIDES} ]; do shift; done
for aside; do tell "${expand('aside%/')}"; done`,
    parse: ({ out }) => readLeft(out, directory, prefix),
  };
}

function readLeft(out: Buffer, directory: string, prefix: string): StoreLeft {
  const copies: ScopeCopy[] = [];
  const { isDown, unread, at: begin } = readEnd(out, directory);
  let isDamaged = unread.length > 0;
  for (let at = begin; ; ) {
    const end = out.indexOf(0x0a, at);
    const [, kind, time = '', size = '', path = ''] =
      /^(database|large) (\d+) (\d+) (.+)$/u.exec(out.toString('utf8', at, Math.max(at, end))) ?? [];
    if (kind === undefined) return { copies, unread, ...(isDamaged ? { damaged: true } : {}) };
    if (kind === 'large') {
      unread.push(`${path} has a database of ${size} bytes, which is too large to be fetched`);
      at = end + 1;
      continue;
    }
    at = end + 1 + Number(size);
    try {
      copies.push({ ...scopeIn(out.subarray(end + 1, at), prefix), at: new Date(Number(time) * 1000).toISOString(), path });
    } catch (error) {
      unread.push(`the database in ${path} cannot be read: ${(error as Error).message}`);
      // An empty one is made anew from the WAL, and one that is written meanwhile may be read torn.
      isDamaged ||= isDown && path === directory && size !== '0';
    }
  }
}

/** What comes before the databases: whether the member is down, and why it cannot work with its data. */
function readEnd(out: Buffer, directory: string): { isDown: boolean; unread: string[]; at: number } {
  const unread: string[] = [];
  let isDown = false;
  for (let at = 0; ; ) {
    const end = out.indexOf(0x0a, at);
    const line = out.toString('utf8', at, Math.max(at, end));
    const [, since, said, text = ''] = /^said (\d+) (\d+)\S* \S+ \S+ (.*)$/u.exec(line) ?? [];
    if (line === 'down') isDown = true;
    else if (since === undefined) return { isDown, unread, at };
    // What it said of other data, which was in the same place before, says nothing of this.
    else if (Number(said) >= Number(since) && new RegExp(ETCD_DAMAGE, 'u').test(text))
      unread.push(`etcd cannot read what is in ${directory}: ${damageWords(text)}`);
    at = end + 1;
  }
}

function scopeIn(file: Buffer, prefix: string): Pick<ScopeCopy, 'keys' | 'others' | 'revision'> {
  const { revision, keys } = readEtcdFile(file);
  const all = [...keys];
  const own = all.filter(([key]) => key.startsWith(prefix)).map(([key, value]): [string, string] => [key.slice(prefix.length), value]);
  return { revision, keys: new Map(own), others: all.length - own.length };
}
