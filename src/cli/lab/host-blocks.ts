/** The `Host` blocks of a configuration of OpenSSH, by the name that each is for, as `vagrant ssh-config` prints them. */
export function hostBlocks(text: string): Map<string, string> {
  const blocks = new Map<string, string>();
  let name: string | undefined;
  for (const line of text.split(/\r?\n/u)) {
    const [, written] = /^\s*host\s+(.*?)\s*$/iu.exec(line) ?? [];
    if (written !== undefined) {
      name = hostNames(line)[0];
      if (name !== undefined) blocks.set(name, `${line.trim()}\n`);
    } else if (name !== undefined && line.trim() !== '') {
      blocks.set(name, `${blocks.get(name) ?? ''}${line.trimEnd()}\n`);
    }
  }
  return blocks;
}

/** The names, not patterns, in the `Host` lines of a configuration, each once. */
export function hostNames(text: string): string[] {
  const names = [...text.matchAll(/^[ \t]*host(?:[ \t]+|[ \t]*=[ \t]*)(.+?)[ \t]*\r?$/gimu)].flatMap(([, words = '']) =>
    words.split(/[ \t]+/u).map((word) => word.replace(/^"(.*)"$/u, '$1')),
  );
  return [...new Set(names)].filter((name) => /^[\w.:-]+$/u.test(name));
}
