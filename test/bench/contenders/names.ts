/** Everybody that is measured, as the command line names them, with the titles of the tables. */
export const CONTENDERS = {
  pgprov: 'pgprov',
  ansible: 'Ansible',
  mitogen: 'Ansible with Mitogen',
  script: 'bare script',
  ssh2: 'plain ssh2',
  patronictl: 'patronictl',
} as const;

/** A name of a contender. */
export type ContenderName = keyof typeof CONTENDERS;

/** A contender's title in tables. */
export function contenderTitle(name: string): string {
  return name in CONTENDERS ? CONTENDERS[name as ContenderName] : name;
}
