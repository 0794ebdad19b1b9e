const PAGE = 4096;

/** What a made-up database of bbolt has in its top-level bucket `key`: a page of entries each, below a branch where there are several. */
export type BoltPages = readonly (readonly (readonly [key: Buffer, value: Buffer])[])[];

/** A database file as bbolt writes it, with its newest transaction in the second of the two pages that say where it begins. */
export function madeUpBolt(pages: BoltPages): Buffer {
  const first = 5;
  const leaves = pages.map((entries, index) => leaf(first + index, entries));
  const [only] = leaves;
  const isSmall = leaves.length === 1 && only !== undefined && only.length < 1024;
  const top = isSmall ? 0 : 4;
  const bucket = Buffer.alloc(16);
  bucket.writeBigUInt64LE(BigInt(top));
  const root = leaf(3, [[Buffer.from('key'), isSmall ? Buffer.concat([bucket, only]) : bucket]], true);
  return Buffer.concat([
    meta(0, 3, 1),
    meta(1, 3, 2),
    whole(Buffer.alloc(0)),
    whole(root),
    whole(branch(4, first, pages)),
    ...leaves.map(whole),
  ]);
}

function whole(page: Buffer): Buffer {
  const rest = page.length % PAGE;
  return page.length > 0 && rest === 0 ? page : Buffer.concat([page, Buffer.alloc(PAGE - rest)]);
}

function header(id: number, flags: number, count: number): Buffer {
  const page = Buffer.alloc(16);
  page.writeBigUInt64LE(BigInt(id), 0);
  page.writeUInt16LE(flags, 8);
  page.writeUInt16LE(count, 10);
  return page;
}

function meta(id: number, root: number, transaction: number): Buffer {
  const page = Buffer.alloc(PAGE);
  header(id, 4, 0).copy(page);
  const body = page.subarray(16);
  body.writeUInt32LE(0xed0cdaed, 0);
  body.writeUInt32LE(2, 4);
  body.writeUInt32LE(PAGE, 8);
  body.writeBigUInt64LE(BigInt(root), 16);
  body.writeBigUInt64LE(BigInt(transaction), 48);
  const sum = body.subarray(0, 56).reduce((all, byte) => BigInt.asUintN(64, (all ^ BigInt(byte)) * 0x100000001b3n), 0xcbf29ce484222325n);
  body.writeBigUInt64LE(sum, 56);
  return page;
}

function leaf(id: number, entries: readonly (readonly [Buffer, Buffer])[], isBucket = false): Buffer {
  const elements = Buffer.alloc(entries.length * 16);
  const data: Buffer[] = [];
  let at = elements.length;
  entries.forEach(([key, value], index) => {
    elements.writeUInt32LE(isBucket ? 1 : 0, index * 16);
    elements.writeUInt32LE(at - index * 16, index * 16 + 4);
    elements.writeUInt32LE(key.length, index * 16 + 8);
    elements.writeUInt32LE(value.length, index * 16 + 12);
    data.push(key, value);
    at += key.length + value.length;
  });
  return Buffer.concat([header(id, 2, entries.length), elements, ...data]);
}

function branch(id: number, first: number, pages: BoltPages): Buffer {
  const elements = Buffer.alloc(pages.length * 16);
  pages.forEach((_, index) => elements.writeBigUInt64LE(BigInt(first + index), index * 16 + 8));
  return Buffer.concat([header(id, 1, pages.length), elements]);
}

/** A write of a key as etcd keeps it: the revision, and the message; without a value, its deletion. */
export function etcdWrite(revision: number, key: string, value?: string): [Buffer, Buffer] {
  const at = Buffer.alloc(value === undefined ? 18 : 17, 't');
  at.writeBigUInt64BE(BigInt(revision), 0);
  at.write('_', 8);
  at.writeBigUInt64BE(0n, 9);
  const text = (field: number, content: string): Buffer => {
    const bytes = Buffer.from(content);
    const size = bytes.length < 128 ? [bytes.length] : [(bytes.length & 0x7f) | 0x80, bytes.length >> 7];
    return Buffer.concat([Buffer.from([(field << 3) | 2, ...size]), bytes]);
  };
  return [
    at,
    Buffer.concat([text(1, key), ...(value === undefined ? [] : [Buffer.from([2 << 3, 1, 3 << 3, revision & 0x7f]), text(5, value)])]),
  ];
}
