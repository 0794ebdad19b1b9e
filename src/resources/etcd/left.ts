import { sh } from '../../shell/quote.js';
import { keysQuestion, type EtcdClient } from './client.js';
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

/**
 * What the databases on a host have of a scope, of the member there and of the last ones that were put aside; nothing is fetched where etcd itself
 * knows the scope's cluster.
 * @param prefix the scope's, `/service/demo/`
 */
export function etcdLeft(client: EtcdClient, directory: string, prefix: string): Observation<StoreLeft> {
  const question = keysQuestion(client, prefix);
  const known = `"${Buffer.from(`${prefix}initialize`).toString('base64')}"`;
  return {
    ...STORE_LEFT,
    sharedQuestions: [question],
    probe: () => sh`case "$(${printAnswer(question)})" in *${known}*) exit 0 ;; esac
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
    parse: ({ out }) => readLeft(out, prefix),
  };
}

function readLeft(out: Buffer, prefix: string): StoreLeft {
  const copies: ScopeCopy[] = [];
  const unread: string[] = [];
  for (let at = 0; ; ) {
    const end = out.indexOf(0x0a, at);
    const [, kind, time = '', size = '', path = ''] =
      /^(database|large) (\d+) (\d+) (.+)$/u.exec(out.toString('utf8', at, Math.max(at, end))) ?? [];
    if (kind === undefined) return { copies, unread };
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
    }
  }
}

function scopeIn(file: Buffer, prefix: string): Pick<ScopeCopy, 'keys' | 'others' | 'revision'> {
  const { revision, keys } = readEtcdFile(file);
  const all = [...keys];
  const own = all.filter(([key]) => key.startsWith(prefix)).map(([key, value]): [string, string] => [key.slice(prefix.length), value]);
  return { revision, keys: new Map(own), others: all.length - own.length };
}
