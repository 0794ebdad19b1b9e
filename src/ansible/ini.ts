import { expandHosts } from './host-range.js';
import { AnsibleSource, type AnsibleVariable } from './source.js';

/** Reads an inventory in Ansible's own kind of INI: hosts with variables on a line, `[group:children]`, `[group:vars]`. */
export function parseIni(text: string, file: string): AnsibleSource {
  const source = new AnsibleSource();
  let group = 'ungrouped';
  let kind = 'hosts';
  text.split(/\r?\n/u).forEach((line, index) => {
    const at = `${file}:${index + 1}`;
    const trimmed = line.trim();
    if (trimmed === '' || /^[#;]/u.test(trimmed)) return;
    const [, name = '', suffix = 'hosts'] = /^\[([^\]:]+)(?::([^\]]+))?\]\s*(?:[#;].*)?$/u.exec(trimmed) ?? [];
    if (name !== '') {
      [group, kind] = [name, suffix];
      source.group(name);
      if (!['hosts', 'vars', 'children'].includes(kind)) source.notes.push(`${at}: ${trimmed} is no section that Ansible knows`);
    } else if (kind === 'vars') addVariable(source, group, trimmed, at);
    else if (kind === 'children') source.group(group).children.add(words(trimmed)[0] ?? '');
    else if (kind === 'hosts') addHosts(source, group, trimmed, at);
  });
  for (const { children } of [...source.groups.values()]) for (const child of children) source.group(child);
  return source;
}

function addVariable(source: AnsibleSource, group: string, line: string, at: string): void {
  const [, key = '', value = ''] = /^([^=\s]+)\s*=\s*(.*)$/su.exec(line) ?? [];
  if (key === '') source.notes.push(`${at}: not a variable: ${line}`);
  else source.group(group).vars.set(key, { value: literal(/^(["'])(.*)\1$/su.exec(value)?.[2] ?? value, value), at });
}

function addHosts(source: AnsibleSource, group: string, line: string, at: string): void {
  const [pattern = '', ...settings] = words(line);
  const [, host = pattern, port] = /^((?:[^:[\]]|\[[^\]]*\])+):([0-9]+)$/su.exec(pattern) ?? [];
  const names = expandHosts(host);
  if (names === undefined) {
    source.notes.push(`${at}: not a range of hosts: ${pattern}`);
    return;
  }
  const vars: [string, AnsibleVariable][] = port === undefined ? [] : [['ansible_port', { value: Number(port), at }]];
  for (const setting of settings) {
    const end = setting.indexOf('=');
    if (end < 1) source.notes.push(`${at}: not a variable: ${setting}`);
    else vars.push([setting.slice(0, end), { value: literal(setting.slice(end + 1)), at }]);
  }
  for (const name of names) source.addHost(group, name, vars);
}

/** The words of a line as a shell would split it; `#` begins a comment where a word could begin. */
function words(line: string): string[] {
  const found: string[] = [];
  let rest = line;
  for (;;) {
    rest = rest.trimStart();
    if (rest === '' || rest.startsWith('#')) return found;
    const [whole = ''] = /^(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*"|['"\\])+/su.exec(rest) ?? [];
    found.push(
      whole.replace(
        /'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gsu,
        (_, single?: string, double?: string, escaped?: string) => single ?? double?.replace(/\\(["\\$`])/gu, '$1') ?? escaped ?? '',
      ),
    );
    rest = rest.slice(whole.length);
  }
}

/** Ansible reads values of INI files as Python would: quoted ones are text. */
function literal(value: string, written = value): unknown {
  if (written !== value) return value;
  if (/^(?:true|false)$/iu.test(value)) return value.toLowerCase() === 'true';
  return /^-?(?:0|[1-9][0-9]{0,14})$/u.test(value) ? Number(value) : value;
}
