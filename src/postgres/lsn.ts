/** A WAL location as PostgreSQL writes it, as a number of bytes: `1/5005420` is 0x105005420. */
export function lsnBytes(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`);
}

/** The other way round. */
export function formatLsn(bytes: bigint | number): string {
  const all = BigInt(bytes);
  return [all >> 32n, all & 0xffffffffn].map((part) => part.toString(16).toUpperCase()).join('/');
}
