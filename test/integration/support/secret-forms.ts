/** How a secret may stand in what a program writes: as it is, or as some other text has it. */
export function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  return [
    ...new Set([
      secret,
      json,
      JSON.stringify(json).slice(1, -1),
      encodeURIComponent(secret),
      bytes.toString('hex'),
      bytes.toString('hex').toUpperCase(),
      secret.replaceAll("'", `'\\''`),
      secret.replaceAll("'", "''"),
      secret.replaceAll('\\', '\\\\'),
      secret.replaceAll('\\', '\\\\').replaceAll("'", "''"),
      secret.replace(/[\\:]/gu, '\\$&'),
      secret.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;').replaceAll("'", '&#39;'),
      ...insideBase64(bytes),
    ]),
  ].filter((form) => form.length >= 8);
}

/** What base64 makes of the bytes wherever they begin in a longer text, without the characters that depend on their neighbours. */
function insideBase64(bytes: Buffer): string[] {
  return [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/u, '');
    const inside = text.slice(Math.ceil((before * 8) / 6), Math.floor(((before + bytes.length) * 8) / 6));
    return [inside, inside.replaceAll('+', '-').replaceAll('/', '_')];
  });
}

/** Names of the secrets that stand in a text, in any form. */
export function secretsIn(text: string, secrets: ReadonlyMap<string, string>): string[] {
  return [...secrets].filter(([, secret]) => formsOf(secret).some((form) => text.includes(form))).map(([name]) => name);
}

/** A line of a PEM key's body that tells it from others: one from its middle, for the first ones say what kind it is. */
export function lineOfKey(pem: string): string {
  const body = pem.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
  return body[Math.floor(body.length / 2)] ?? '';
}
