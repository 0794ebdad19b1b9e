/** The slot of a member, as Patroni names it. Source: slot_name_from_member_name in patroni/dcs/__init__.py. */
export function slotNameOf(member: string): string {
  return [...member.toLowerCase()]
    .map((letter) =>
      /[a-z0-9_]/u.test(letter) ? letter : /[-.]/u.test(letter) ? '_' : `u${letter.codePointAt(0)?.toString(16).padStart(4, '0')}`,
    )
    .join('')
    .slice(0, 63);
}
