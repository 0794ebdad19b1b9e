import { createHash } from 'node:crypto';

/**
 * Fingerprints (40 hex digits, upper case) of the primary keys in an armored or binary OpenPGP file.
 * Reads only version 4 public-key packets (RFC 4880, 5.5.2 and 12.2), which is what package archives use.
 * An unreadable file, or one with a key of another version, has none.
 */
export function keyFingerprints(file: Buffer): string[] {
  const bytes = dearmor(file);
  const found: string[] = [];
  let at = 0;
  while (at < bytes.length) {
    const packet = readPacket(bytes, at);
    if (packet === undefined) return [];
    if (packet.tag === PUBLIC_KEY && bytes[packet.from] !== 4) return [];
    if (packet.tag === PUBLIC_KEY) {
      const body = bytes.subarray(packet.from, packet.to);
      const head = Buffer.from([0x99, body.length >> 8, body.length & 0xff]);
      found.push(createHash('sha1').update(head).update(body).digest('hex').toUpperCase());
    }
    at = packet.to;
  }
  return found;
}

const PUBLIC_KEY = 6;

function dearmor(file: Buffer): Buffer {
  const text = file.toString('latin1');
  const blocks = [...text.matchAll(/-----BEGIN PGP PUBLIC KEY BLOCK-----\r?\n([\s\S]*?)-----END PGP/gu)];
  if (blocks.length === 0) return file;
  return Buffer.concat(blocks.map((block) => Buffer.from(armorBody(block[1] ?? ''), 'base64')));
}

/** The base64 lines: after the headers, which end with an empty line, and before the checksum. */
function armorBody(block: string): string {
  const lines = block.split(/\r?\n/u);
  const empty = lines.indexOf('');
  const body = lines.slice(empty + 1);
  return body.filter((line) => !line.startsWith('=')).join('');
}

interface Packet {
  tag: number;
  from: number;
  to: number;
}

function readPacket(bytes: Buffer, at: number): Packet | undefined {
  const head = bytes[at] ?? 0;
  if ((head & 0x80) === 0) return undefined;
  return (head & 0x40) === 0 ? readOldPacket(bytes, at, head) : readNewPacket(bytes, at, head);
}

function readOldPacket(bytes: Buffer, at: number, head: number): Packet | undefined {
  const size = [1, 2, 4][head & 0x03];
  if (size === undefined || at + 1 + size > bytes.length) return undefined;
  const from = at + 1 + size;
  return within(bytes, { tag: (head >> 2) & 0x0f, from, to: from + bytes.readUIntBE(at + 1, size) });
}

function readNewPacket(bytes: Buffer, at: number, head: number): Packet | undefined {
  const tag = head & 0x3f;
  const first = bytes[at + 1] ?? 0;
  if (first < 192) return within(bytes, { tag, from: at + 2, to: at + 2 + first });
  if (first < 224) {
    const length = ((first - 192) << 8) + (bytes[at + 2] ?? 0) + 192;
    return within(bytes, { tag, from: at + 3, to: at + 3 + length });
  }
  if (first !== 255 || at + 6 > bytes.length) return undefined;
  return within(bytes, { tag, from: at + 6, to: at + 6 + bytes.readUInt32BE(at + 2) });
}

function within(bytes: Buffer, packet: Packet): Packet | undefined {
  return packet.to <= bytes.length ? packet : undefined;
}
