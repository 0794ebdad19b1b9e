import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** What a host upgrades by itself. */
export interface AutomaticUpgrades {
  /** The timer that is armed for it; undefined: none is. */
  timer?: string;
  /** It restarts the host when an upgrade asks for that. */
  reboots: boolean;
  /** Settings that say what it upgrades, as they are written. */
  settings: readonly string[];
  /** Lines of its log that tell of upgrades, oldest first. */
  upgrades: readonly { at: number; line: string }[];
}

/** The observation's id. */
export const AUTOMATIC_UPGRADES = handle<AutomaticUpgrades>('automatic-upgrades');

const TIMERS = ['apt-daily-upgrade.timer', 'dnf-automatic.timer', 'dnf-automatic-install.timer'];

/** Whether unattended-upgrades or dnf-automatic is to upgrade packages, and what the former did lately. */
export function automaticUpgrades(): Observation<AutomaticUpgrades> {
  return {
    ...AUTOMATIC_UPGRADES,
    when: 'start',
    probe: () => sh`for timer in ${TIMERS}; do
case $timer in
apt*) [ -x /usr/bin/unattended-upgrade ] && apt-config dump 2>/dev/null | grep -q '^APT::Periodic::Unattended-Upgrade "[1-9]' || continue ;;
dnf-automatic.timer) grep -qi '^ *apply_updates *= *\(yes\|true\|1\)' /etc/dnf/automatic.conf 2>/dev/null || continue ;;
esac
! systemctl is-active -q "$timer" 2>/dev/null || printf 'timer\t%s\n' "$timer"
done
apt-config dump 2>/dev/null | grep -E '^Unattended-Upgrade::(Automatic-Reboot|Origins-Pattern|Allowed-Origins|Package-Blacklist)(::)? ' | sed 's/^/setting\t/'
grep -E '^ *(apply_updates|reboot|upgrade_type|exclude) *=' /etc/dnf/automatic.conf 2>/dev/null | sed 's/^/setting\t/'
date '+zone	%z'
tail -n 2000 /var/log/unattended-upgrades/unattended-upgrades.log 2>/dev/null | grep 'Packages that will be upgraded:' | tail -n 20 | sed 's/^/upgraded\t/'
:`,
    parse: (answer) => {
      const lines = answerLines(answer).map((line) => line.split('\t'));
      const of = (kind: string): string[] => lines.flatMap(([first, rest]) => (first === kind && rest !== undefined ? [rest] : []));
      const settings = of('setting');
      const [timer] = of('timer');
      const zone = (of('zone')[0] ?? '+0000').replace(/(\d\d)$/u, ':$1');
      return {
        ...(timer === undefined ? {} : { timer }),
        reboots: settings.some((line) => /Automatic-Reboot "(?:true|1|yes)"/iu.test(line) || /^ *reboot *= *when-/iu.test(line)),
        settings,
        upgrades: of('upgraded').flatMap((line) => {
          const [, day, time] = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)/u.exec(line) ?? [];
          const at = Date.parse(`${day}T${time}${zone}`);
          return Number.isNaN(at) ? [] : [{ at, line }];
        }),
      };
    },
  };
}
