/** What a person runs to have units start, also where systemd has given them up: of a unit that fails it takes no more than five starts in ten seconds. */
export function restartCommand(...units: readonly string[]): string {
  return `systemctl reset-failed ${units.join(' ')}; systemctl restart ${units.join(' ')}`;
}
