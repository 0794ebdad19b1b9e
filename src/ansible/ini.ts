import { isIPv6 } from 'node:net';
import { expandHosts } from './host-range.js';
import { shellWords } from './shell-words.js';
import { AnsibleSource } from './source.js';

/** What a section is of. `unknown` is passed over, because its lines may be anything, also passwords. */
type Kind = 'hosts' | 'vars' | 'children' | 'unknown';

const KINDS: readonly string[] = ['hosts', 'vars', 'children'];

/**
 * Reads an inventory in Ansible's own kind of INI: hosts with variables on a line, `[group:children]`, `[group:vars]`. Of what cannot be
 * read nothing is told but its place, and its key where it plainly has one, because the rest may be a password.
 */
export function parseIni(text: string, file: string): AnsibleSource {
  const source = new AnsibleSource();
  let group = 'ungrouped';
  let kind: Kind = 'hosts';
  text.split(/\r?\n/u).forEach((line, index) => {
    const at = `${file}:${index + 1}`;
    const trimmed = line.trim();
    if (trimmed === '' || /^[#;]/u.test(trimmed)) return;
    const section = /^\[(?<name>[^\]:]+)(?::(?<suffix>[^\]]+))?\]\s*(?:[#;].*)?$/u.exec(trimmed)?.groups;
    if (section !== undefined) {
      const { name = '', suffix = 'hosts' } = section;
      [group, kind] = [name, KINDS.includes(suffix) ? (suffix as Kind) : 'unknown'];
      source.group(name);
      if (kind === 'unknown') source.notes.push(`${at}: [${name}:${suffix}] is no section that Ansible knows`);
    } else if (kind === 'vars') addVariable(source, group, trimmed, at);
    else if (kind === 'children') addChild(source, group, trimmed, at);
    else if (kind === 'hosts' && !addHosts(source, group, trimmed, at)) kind = 'unknown';
  });
  for (const { children } of [...source.groups.values()]) for (const child of children) source.group(child);
  return source;
}

function addVariable(source: AnsibleSource, group: string, line: string, at: string): void {
  const [, key = '', value = ''] = /^([^=\s:]+)\s*=\s*(.*)$/su.exec(line) ?? [];
  if (key === '') source.notes.push(`${at}: ${noVariable(line)}`);
  else source.group(group).vars.set(key, { value: assignedValue(value), at });
}

function addChild(source: AnsibleSource, group: string, line: string, at: string): void {
  const [child = ''] = shellWords(line);
  if (/^[^=:\s]+$/u.test(child)) source.group(group).children.add(child);
  else source.notes.push(`${at}: ${told(keyOf(line), 'not the name of a group')}`);
}

/** False after a line that begins a section in a way that cannot be read. */
function addHosts(source: AnsibleSource, group: string, line: string, at: string): boolean {
  const [pattern = '', ...settings] = shellWords(line);
  const { names, port } = hostsOf(pattern);
  if (names === undefined) {
    const isSection = /^\[[^\]]*\]?$/u.test(pattern);
    const what = isSection ? 'not a section; what follows is passed over' : told(keyOf(line), hostWords(pattern));
    source.notes.push(`${at}: ${what}`);
    return !isSection;
  }
  const { vars, wrong } = assignments(settings);
  source.notes.push(...wrong.map((what) => `${at}: ${what}`));
  const own = [...(port === undefined ? [] : [['ansible_port', port] as const]), ...vars];
  for (const name of names) {
    source.addHost(
      group,
      name,
      own.map(([key, value]) => [key, { value, at }]),
    );
  }
  return true;
}

/** `pg1`, `pg[1:3]:2222`, `[2001:db8::1]:22`. */
function hostsOf(pattern: string): { names: string[] | undefined; port?: number } {
  const [, inBrackets = '', behind] = /^\[([^\]]*)\](?::([0-9]+))?$/su.exec(pattern) ?? [];
  const [, host = pattern, port = behind] = isIPv6(inBrackets)
    ? ['', inBrackets]
    : (/^((?:[^:[\]]|\[[^\]]*\])+):([0-9]+)$/su.exec(pattern) ?? []);
  const names = expandHosts(host);
  const areHosts = names?.every((name) => /^[\w.:%-]*[\w.]$/u.test(name)) === true;
  return { names: areHosts ? names : undefined, ...(port === undefined ? {} : { port: Number(port) }) };
}

/** The variables on a host's line. Where one is wrong, what follows it may be the rest of a password, and is taken only when it plainly is none. */
function assignments(words: readonly string[]): { vars: [string, unknown][]; wrong: string[] } {
  const vars: [string, unknown][] = [];
  const wrong: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const [, key = '', value = ''] = /^([^=:]+)=(.*)$/su.exec(words[index] ?? '') ?? [];
    const next = words[index + 1];
    const isCutOff = value === '' && next !== undefined && (/pass|secret|token/iu.test(key) || !isAssignment(next));
    const isDoubtful = wrong.length > 0 && !isAssignment(words[index] ?? '');
    if (key !== '' && !isCutOff && !isDoubtful) {
      vars.push([key, literal(value)]);
    } else {
      if (!isDoubtful) wrong.push(noVariable(words.slice(index).join(' ')));
      if (next === '=') index += 2;
      else if (isCutOff || next?.startsWith('=') === true || words[index]?.endsWith(':') === true) index += 1;
    }
  }
  return { vars, wrong };
}

/** Whether a word can be nothing but a variable: few passwords look like it. */
function isAssignment(word: string): boolean {
  return /^[a-z_][a-z0-9_]*=(?:.*[^=])?$/su.test(word);
}

/** `ansible_host: not a variable…`; the key is told only where something shows that it is one. */
function noVariable(line: string): string {
  return told(keyOf(line), 'not a variable, which must be NAME=VALUE');
}

function hostWords(pattern: string): string {
  if (/[[\]]/u.test(pattern) && !pattern.includes('=')) return 'not a range of hosts, which is such as pg[1:3]';
  return 'not a host; variables of a group stand under [GROUP:vars]';
}

function keyOf(line: string): string {
  return /^[A-Za-z_][\w.-]*(?=\s*[:=])/u.exec(line)?.[0] ?? /^ansible_\w+/u.exec(line)?.[0] ?? '';
}

function told(key: string, what: string): string {
  return key === '' ? what : `${key}: ${what}`;
}

/** A value of `[group:vars]`: in quotes it is text, and a comment may follow. */
function assignedValue(written: string): unknown {
  const [, , quoted] = /^(["'])((?:(?!\1)[^\\]|\\.)*)\1\s*(?:#.*)?$/su.exec(written) ?? [];
  return quoted ?? literal(written.replace(/(?:^|\s+)#.*$/su, ''));
}

/** Ansible reads values of INI files as Python would. */
function literal(value: string): unknown {
  if (/^(?:true|false)$/iu.test(value)) return value.toLowerCase() === 'true';
  return /^-?(?:0|[1-9][0-9]{0,14})$/u.test(value) ? Number(value) : value;
}
