/** The flag of an option: `leaveOut` is `--leave-out`. */
export function flagOf(option: string): string {
  return `--${option.replace(/[A-Z]/gu, (letter) => `-${letter.toLowerCase()}`)}`;
}
