import { boltEntries } from '../bolt-file.js';

/** etcd's keys in the file that a member keeps them in. */
export interface EtcdFile {
  /** That of the last write. */
  revision: number;
  /** The values that there are. */
  keys: ReadonlyMap<string, string>;
}

/** Bytes of a revision: its number, `_`, and its place in the transaction; a key that was deleted has one byte more. */
const REVISION = 17;

/**
 * Reads `member/snap/db`, or a snapshot of etcd, past etcd: versions 3.x write it alike. What a member had in its WAL alone, because it was ended in
 * the tenth of a second since, is not in it. Source: etcd's server/storage/mvcc/revision.go and api/mvccpb/kv.proto.
 * @throws RangeError where the file is no such database, or is damaged
 */
export function readEtcdFile(file: Buffer): EtcdFile {
  const keys = new Map<string, string>();
  let revision = 0;
  for (const [at, value] of boltEntries(file, 'key')) {
    if (at.length < REVISION) throw new RangeError('its bucket "key" has an entry without a revision');
    revision = Math.max(revision, Number(at.readBigUInt64BE(0)));
    const fields = readFields(value);
    const key = textOf(fields.get(1));
    if (at.length > REVISION) keys.delete(key);
    else keys.set(key, textOf(fields.get(5)));
  }
  return { revision, keys };
}

function textOf(field: Buffer | bigint | undefined): string {
  return Buffer.isBuffer(field) ? field.toString('utf8') : '';
}

/** The fields of a message of Protocol Buffers that has numbers and bytes only. */
function readFields(message: Buffer): Map<number, Buffer | bigint> {
  const fields = new Map<number, Buffer | bigint>();
  let at = 0;
  const number = (): bigint => {
    for (let value = 0n, shift = 0n; ; shift += 7n) {
      const byte = message[at];
      if (byte === undefined) throw new RangeError('a key of it is cut off');
      at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = Number(number());
    const kind = tag & 7;
    if (kind !== 0 && kind !== 2) throw new RangeError('a key of it has a field that etcd does not write');
    const value = number();
    if (kind === 0) {
      fields.set(tag >> 3, value);
      continue;
    }
    const end = at + Number(value);
    if (end > message.length) throw new RangeError('a key of it is cut off');
    fields.set(tag >> 3, message.subarray(at, end));
    at = end;
  }
  return fields;
}
