/** What a page of a bbolt file is. Source: bbolt's page.go. */
const BRANCH = 0x01;
const LEAF = 0x02;

/** A leaf's element that is a bucket. */
const BUCKET = 0x01;

const MAGIC = 0xed0cdaed;

/** Bytes of the headers of a page, and of a bucket ahead of the page that a small one has in its value. */
const PAGE_HEADER = 16;
const BUCKET_HEADER = 16;

/** Bytes of an element's own fields, in leaves and in branches. */
const ELEMENT = 16;

/** Page sizes that systems have. */
const PAGE_SIZES = [0, 4096, 8192, 16384, 32768, 65536];

interface Meta {
  pageSize: number;
  root: number;
  transaction: bigint;
}

/**
 * The entries of a top-level bucket of a bbolt database, in their order: of the newest transaction that was written whole, as bbolt itself takes
 * it after a crash.
 * @throws RangeError where the file is no such database, or is damaged
 */
export function boltEntries(file: Buffer, bucket: string): [key: Buffer, value: Buffer][] {
  const { pageSize, root } = newestMeta(file);
  const found = entriesBelow(file, pageSize, root).find(({ key, isBucket }) => isBucket && key.toString('latin1') === bucket);
  if (found === undefined) throw new RangeError(`it has no bucket ${bucket}`);
  const page = pageOfBucket(found.value);
  const entries = typeof page === 'number' ? entriesBelow(file, pageSize, page) : entriesOn(page);
  return entries.map(({ key, value }) => [key, value]);
}

function newestMeta(file: Buffer): Meta {
  const metas = PAGE_SIZES.flatMap((at): Meta[] => {
    if (file.length < at + PAGE_HEADER + 64) return [];
    const meta = file.subarray(at + PAGE_HEADER);
    if (meta.readUInt32LE(0) !== MAGIC || meta.readBigUInt64LE(56) !== checksum(meta.subarray(0, 56))) return [];
    const pageSize = meta.readUInt32LE(8);
    return at === 0 || at === pageSize
      ? [{ pageSize, root: asNumber(meta.readBigUInt64LE(16)), transaction: meta.readBigUInt64LE(48) }]
      : [];
  });
  const [newest] = metas.sort((a, b) => (a.transaction > b.transaction ? -1 : 1));
  if (newest === undefined) throw new RangeError('it is no database of bbolt');
  return newest;
}

/** FNV-1a of 64 bits. */
function checksum(bytes: Buffer): bigint {
  return bytes.reduce((sum, byte) => BigInt.asUintN(64, (sum ^ BigInt(byte)) * 0x100000001b3n), 0xcbf29ce484222325n);
}

interface Element {
  key: Buffer;
  value: Buffer;
  isBucket: boolean;
}

/** A damaged tree may lead back to itself, so no page is read twice. */
function entriesBelow(file: Buffer, pageSize: number, page: number, seen = new Set<number>()): Element[] {
  if (seen.has(page)) throw new RangeError('its pages lead in a circle');
  seen.add(page);
  const first = file.subarray(page * pageSize);
  if (first.length < PAGE_HEADER) throw new RangeError(`it ends before its page ${page}`);
  if (first.readBigUInt64LE(0) !== BigInt(page)) throw new RangeError(`in the place of its page ${page} is something else`);
  const overflow = first.readUInt32LE(12);
  const whole = first.subarray(0, (overflow + 1) * pageSize);
  if (whole.length < (overflow + 1) * pageSize) throw new RangeError(`it ends within its page ${page}`);
  const flags = whole.readUInt16LE(8);
  if ((flags & LEAF) !== 0) return entriesOn(whole);
  if ((flags & BRANCH) === 0) throw new RangeError(`its page ${page} holds no entries`);
  return Array.from({ length: whole.readUInt16LE(10) }, (_, index) => {
    const at = PAGE_HEADER + index * ELEMENT;
    return entriesBelow(file, pageSize, asNumber(whole.readBigUInt64LE(at + 8)), seen);
  }).flat();
}

/** The entries of a leaf. */
function entriesOn(page: Buffer): Element[] {
  return Array.from({ length: page.readUInt16LE(10) }, (_, index) => {
    const at = PAGE_HEADER + index * ELEMENT;
    const start = at + page.readUInt32LE(at + 4);
    const middle = start + page.readUInt32LE(at + 8);
    const end = middle + page.readUInt32LE(at + 12);
    if (end > page.length) throw new RangeError('an entry goes beyond its page');
    const isBucket = (page.readUInt32LE(at) & BUCKET) !== 0;
    return { key: page.subarray(start, middle), value: page.subarray(middle, end), isBucket };
  });
}

/** The number of a bucket's page; a small bucket has its page in its value. */
function pageOfBucket(value: Buffer): number | Buffer {
  const page = asNumber(value.readBigUInt64LE(0));
  return page === 0 ? value.subarray(BUCKET_HEADER) : page;
}

function asNumber(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw new RangeError('it names a page that no file has');
  return Number(value);
}
