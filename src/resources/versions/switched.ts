import { defineAptGet } from '../apt-packages.js';
import { defineDnf } from '../dnf.js';
import { DEFAULT_LOCK_TIMEOUT } from '../packages-state.js';
import { answerLines, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { NOTHING, sh, type Script } from '../../shell/quote.js';
import { formerFiles } from './fetched.js';
import { markedBy } from './on-hold.js';
import { holdBack, isHeldBack } from './hold-back.js';
import { readHeld, readVersions, versionsQuestion, type PackageManager, type Versions } from './installed.js';

/** What a host has of packages that change their version. */
export interface SwitchedState {
  installed: Versions;
  /** A run that was cut off has left package scripts held back. */
  heldBack: boolean;
  /** Those that apt has on hold. */
  held: readonly string[];
}

/** Packages that are to have these versions, while what they run goes on as it is. */
export interface SwitchOptions {
  manager: PackageManager;
  versions: Versions;
  /** Units that the scripts of the packages would stop or restart. */
  units: readonly string[];
  /** The versions are former ones, from the files that were kept. */
  back?: true;
  /** Packages that are on hold afterwards, which apt forgets of those that it brings to another version all the same; default: none. */
  hold?: readonly string[];
  /** Seconds to wait for somebody else's package manager; default 300. */
  lockTimeout?: number;
}

/**
 * Packages that are installed in another version, up or down. Nothing that they run is stopped or restarted: who wants what is new in force
 * restarts it afterwards, in its own order. A run that was cut off is finished: what dpkg had begun, and what kept services from starting.
 */
export function packagesSwitched(options: SwitchOptions): Resource<SwitchedState> {
  const { manager, versions, units, hold = [], lockTimeout = DEFAULT_LOCK_TIMEOUT } = options;
  const names = Object.keys(versions);
  const all = [...new Set([...names, ...hold])];
  const question = versionsQuestion(manager, all);
  return {
    id: 'packages-switched',
    sharedQuestions: [question],
    probe: () => sh`${printAnswer(question)}
if ${isHeldBack(manager, units)}; then echo held-back; fi`,
    parse: (answer) => ({
      installed: readVersions(answer, names),
      heldBack: answerLines(answer).includes('held-back'),
      held: readHeld(answer, all),
    }),
    diff: ({ installed, heldBack, held }) => {
      const differing = names.filter((name) => installed[name] !== versions[name]);
      const changes = differing.map(
        (name): Change => ({ action: 'install', summary: `${name} ${installed[name] ?? 'not wholly installed'} → ${versions[name]}` }),
      );
      if (changes.length > 0) return changes;
      const loose = hold.filter((name) => !held.includes(name));
      return [
        ...(heldBack ? [{ action: 'run' as const, summary: 'let package scripts start services again' }] : []),
        ...(loose.length > 0 ? [{ action: 'run' as const, summary: `put ${loose.join(' ')} on hold` }] : []),
      ];
    },
    apply: (changes) => {
      const done = changes.some(({ action }) => action === 'install')
        ? manager === 'apt'
          ? byApt(options, lockTimeout)
          : byDnf(options, lockTimeout)
        : sh`:`;
      return sh`${holdBack(manager, units)}
${done}
${hold.length === 0 ? NOTHING : markedBy('hold', hold, lockTimeout)}`;
    },
    digest: () => digestOf('packages-switched', JSON.stringify(versions)),
  };
}

function byApt({ versions, back }: SwitchOptions, lockTimeout: number): Script {
  const wanted = Object.entries(versions).map(([name, version]) => `${name}=${version}`);
  return sh`${defineAptGet(lockTimeout)}
trap 'restore; rm -f "$apt_log"' EXIT
if [ -n "$(dpkg --audit 2>/dev/null)" ]; then
note 'finishing an interrupted package installation'
dpkg --force-confold --configure -a >/dev/null 2>&1 || :
fi
apt_get -o Dpkg::Options::=--force-confold --no-install-recommends --allow-downgrades --allow-change-held-packages install ${back === true ? formerFiles('apt', Object.keys(versions)) : wanted} || {
apt_explain
exit 1
}`;
}

function byDnf({ versions, back }: SwitchOptions, lockTimeout: number): Script {
  const wanted = Object.entries(versions).map(([name, version]) => `${name}-${version}`);
  const command = back === true ? sh`downgrade ${formerFiles('dnf', Object.keys(versions))}` : sh`install ${wanted}`;
  return sh`${defineDnf(lockTimeout)}
trap 'restore; rm -f "$dnf_log"' EXIT
run_dnf --setopt=install_weak_deps=False ${command} || {
explain_dnf
exit 1
}`;
}
