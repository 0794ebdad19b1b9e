/** What systemd reads from an environment file (systemd.exec(5), EnvironmentFile=; parse_env_file_internal of its sources). */
export function readEnvironmentFile(text: string): Map<string, string> {
  const values = new Map<string, string>();
  let state: 'key' | 'before' | 'plain' | 'plain-escape' | 'single' | 'double' | 'double-escape' | 'comment' = 'key';
  let key = '';
  let value = '';
  const store = (): void => {
    if (key.trim() !== '') values.set(key.trim(), state === 'plain' ? value.trimEnd() : value);
    [key, value, state] = ['', '', 'key'];
  };
  for (const character of `${text}\n`) {
    const ends = character === '\n' || character === '\r';
    if (state === 'comment') {
      if (ends) state = 'key';
    } else if (state === 'key') {
      if (key === '' && /[#;]/u.test(character)) state = 'comment';
      else if (ends) key = '';
      else if (character === '=') state = 'before';
      else if (key !== '' || !/\s/u.test(character)) key += character;
    } else if (state === 'before' || state === 'plain') {
      if (ends) store();
      else if (character === '\\') state = 'plain-escape';
      else if (state === 'before' && character === "'") state = 'single';
      else if (state === 'before' && character === '"') state = 'double';
      else if (state === 'plain' || !/\s/u.test(character)) {
        value += character;
        state = 'plain';
      }
    } else if (state === 'plain-escape') {
      if (!ends) value += character;
      state = 'plain';
    } else if (state === 'single') {
      if (character === "'") state = 'before';
      else value += character;
    } else if (state === 'double') {
      if (character === '"') state = 'before';
      else if (character === '\\') state = 'double-escape';
      else value += character;
    } else {
      // Only what a shell would want escaped there loses its back-slash.
      if (/["\\`$]/u.test(character)) value += character;
      else if (character !== '\n') value += `\\${character}`;
      state = 'double';
    }
  }
  return values;
}

/** What PostgreSQL reads from a file of settings (guc-file.l): the names and the values of quoted strings. */
export function readSettings(text: string): Map<string, string> {
  const values = new Map<string, string>();
  const line = /(?:#[^\n]*|([A-Za-z_][\w$]*(?:\.[A-Za-z_][\w$]*)?)[ \t]*=?[ \t]*'((?:[^'\\\n]|\\[^\n]|'')*?)'(?!'))?[ \t\r]*\n/uy;
  while (line.lastIndex < text.length) {
    const at = line.lastIndex;
    const found = line.exec(text);
    if (found === null) throw new Error(`a syntax error near ${JSON.stringify(text.slice(at, at + 60))}`);
    const [, name, quoted = ''] = found;
    // DeescapeQuotedString
    if (name !== undefined)
      values.set(
        name,
        quoted.replace(/\\([0-7]{1,3}|.)|''/gu, (all, escaped?: string) => (escaped === undefined ? all.slice(1) : unescaped(escaped))),
      );
  }
  return values;
}

function unescaped(escaped: string): string {
  if (/^[0-7]/u.test(escaped)) return String.fromCharCode(parseInt(escaped, 8));
  return { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }[escaped] ?? escaped;
}

/** The password that libpq takes from a .pgpass file (passwordFromFile of fe-connect.c), with the four fields that are asked for. */
export function passwordFrom(
  text: string,
  wanted: readonly [host: string, port: string, database: string, user: string],
): string | undefined {
  for (const line of text.split('\n')) {
    if (line.startsWith('#')) continue;
    let rest = line.replace(/\r$/u, '');
    const matches = wanted.every((field) => {
      const after = fieldMatches(rest, field);
      if (after !== undefined) rest = after;
      return after !== undefined;
    });
    if (matches) return rest.replace(/\\(.)/gsu, '$1');
  }
  return undefined;
}

/** pwdfMatchesString: what follows the field and its colon, where the field is `*` or spells the token. */
function fieldMatches(text: string, token: string): string | undefined {
  if (text.startsWith('*:')) return text.slice(2);
  let at = 0;
  for (const character of token) {
    if (text[at] === '\\') at += 1;
    if (!text.startsWith(character, at)) return undefined;
    at += character.length;
  }
  return text[at] === ':' ? text.slice(at + 1) : undefined;
}
