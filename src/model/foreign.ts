import { pgprov } from '../lib/pgprov-command.js';
import { isMapping } from './mapping.js';

/** What a file is that is no inventory of pgprov, and what to do with it. */
export interface Foreign {
  message: string;
  hint: string;
}

const VAULT = /^\$ANSIBLE_VAULT;/u;

/** A section of an inventory in INI, or a host with variables of Ansible on its line. */
const INI = /^(?:\[[\w.-]+(?::(?:children|vars|hosts))?\]\s*(?:[#;].*)?|[^\s#;:=][^\s:=]*\s+ansible_\w+\s*=.*)$/mu;

/** A tag that only Ansible knows, and a group in YAML: what it is in YAML that is no plain data. */
const TAGGED = /^\s*[\w.-]+:\s+!(?:vault|unsafe)\b/mu;
const GROUP_LINE = /^\s*["']?(?:hosts|children)["']?:\s*(?:[#{].*)?$/mu;

const OF_A_GROUP = ['hosts', 'children', 'vars'];

/** What belongs to Ansible and was probably named by somebody who comes from there; undefined for anything else. */
export function foreignFile(file: string, text: string, value: unknown): Foreign | undefined {
  const from = { hint: `${pgprov`init --from-ansible ${file}`} makes one of pgprov from it` };
  if (VAULT.test(text)) return { message: 'is encrypted with Ansible Vault', hint: 'decrypt it to another file first, and name that one' };
  if (Array.isArray(value)) {
    if (!value.some(isPlay)) return undefined;
    return {
      message: 'is a playbook of Ansible, and pgprov needs none',
      hint: `name an inventory; ${pgprov`init`} makes one, with --from-ansible FILE from one of Ansible`,
    };
  }
  if (isMapping(value)) {
    if (value['cluster'] !== undefined) return undefined;
    if (value['instances'] !== undefined && value['architecture'] !== undefined)
      return {
        message: 'is a configuration of TPA',
        hint: `${pgprov`init --from-ansible FILE`} makes an inventory from the one that TPA writes`,
      };
    return Object.values(value).some(isGroup) ? { message: 'is an inventory of Ansible', ...from } : undefined;
  }
  const isForeign = INI.test(text) || (TAGGED.test(text) && GROUP_LINE.test(text));
  return !/^cluster:/mu.test(text) && isForeign ? { message: 'is an inventory of Ansible', ...from } : undefined;
}

function isPlay(entry: unknown): boolean {
  return (
    isMapping(entry) && (typeof entry['hosts'] === 'string' || Object.keys(entry).some((key) => /(?:^|\.)import_playbook$/u.test(key)))
  );
}

function isGroup(group: unknown): boolean {
  if (!isMapping(group)) return false;
  const keys = Object.keys(group);
  return keys.length > 0 && keys.every((key) => OF_A_GROUP.includes(key) && (group[key] === null || isMapping(group[key])));
}
