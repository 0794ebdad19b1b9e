import {
  enumerate,
  PACKAGE_OFFERS,
  pgprov,
  upstreamVersion,
  type Host,
  type OperationObjection,
  type PackageOffer,
  type Versions,
} from '../../../index.js';
import { isHolding, programPackages, wantedVersion } from '../../../../roles/shared/programs.js';
import { rolesOn, titleOf, updatableHosts, type UpdateOptions, type UpdateRun } from './options.js';

/** What a host is to have of one role's packages, or why not. */
interface Target {
  versions: Versions;
  objection?: OperationObjection;
}

/** Whether a version is the one that a person named: `17.6`, or the package's own `17.6-1.pgdg130+1`. */
function isNamed(version: string, name: string): boolean {
  return version === name || upstreamVersion(version) === name;
}

/**
 * The versions that a host is to have of a role's packages: the one that was named, or what the package manager would install. Packages that are
 * installed in the same version as the first come from the same source, and go with it; the others are not the program's.
 */
function targetOn(run: UpdateRun, { name: host }: Host, role: string): Target {
  const { view, inventory, options } = run;
  const offers = view.read(host, PACKAGE_OFFERS)?.packages ?? {};
  const [first = '', ...others] = programPackages(run.contextOf(host), role);
  const offer = offers[first];
  const installed = offer?.installed;
  const refuse = (message: string, hint: string): Target => ({ versions: {}, objection: { kind: 'refuse', host, message, hint } });
  if (offer === undefined || installed === undefined)
    return refuse(`${first} is not installed on ${host}`, `${pgprov`apply ${inventory}`} installs it`);
  const named = options.to ?? wantedVersion(run.contextOf(host), role);
  const version = named === undefined ? offer.candidate : offer.versions.find((each) => isNamed(each, named));
  if (version === undefined) {
    const known = offer.versions.slice(0, 5);
    return refuse(
      `the repositories of ${host} do not offer ${first}${named === undefined ? '' : ` ${named}`}`,
      `they offer ${known.length === 0 ? 'no version of it' : enumerate(known)}`,
    );
  }
  const isOlder = offer.versions.indexOf(version) > offer.versions.indexOf(installed);
  if (isOlder && named !== undefined)
    return refuse(`${host} has ${first} ${installed}, which is newer than ${version}`, 'an update goes to newer versions only');
  const wanted = isOlder ? installed : version;
  const siblings = others.filter((name) => offers[name]?.installed === installed);
  const versions = [first, ...siblings].map((name): [string, string] => [name, siblingVersion(offers[name], wanted)]);
  const held =
    isHolding(run.contextOf(host).host) === true
      ? []
      : versions.filter(([name, to]) => offers[name]?.held === true && to !== offers[name].installed).map(([name]) => name);
  if (held.length > 0)
    return refuse(
      `on ${host} ${enumerate(held)} ${held.length === 1 ? 'is' : 'are'} on hold`,
      `\`apt-mark unhold ${held.join(' ')}\` there lets ${titleOf(inventory, role)} be updated; base.hold_packages: true in the inventory holds packages, and has an update bring them on`,
    );
  return { versions: Object.fromEntries(versions) };
}

function siblingVersion(offer: PackageOffer | undefined, wanted: string): string {
  if (offer?.versions.includes(wanted) === true) return wanted;
  return offer?.candidate ?? offer?.installed ?? wanted;
}

/** Why there is nothing to choose from, or no choice that all hosts can follow. */
export function choiceObjections(run: UpdateRun): OperationObjection[] {
  const { view, inventory } = run;
  const hosts = updatableHosts(inventory).filter((host) => rolesOn(run, host).length > 0);
  const stale = hosts.flatMap(({ name }): OperationObjection[] => {
    const why = view.read(name, PACKAGE_OFFERS)?.stale;
    if (why === undefined) return [];
    return [
      {
        kind: 'preflight',
        host: name,
        message: `the package lists of ${name} could not be refreshed: ${why}`,
        hint: `nothing was changed; mend its repositories, or the way to them, then run this again`,
      },
    ];
  });
  if (stale.length > 0) return stale;
  const impossible = hosts.flatMap((host) => rolesOn(run, host).flatMap((role) => targetOn(run, host, role).objection ?? []));
  return impossible.length > 0 ? impossible : unlike(run, hosts);
}

/** Hosts of one system that would end with different versions, because their repositories differ. */
function unlike(run: UpdateRun, hosts: readonly Host[]): OperationObjection[] {
  const seen = new Map<string, { host: string; version: string }>();
  for (const host of hosts) {
    const system = run.view.platform(host.name)?.id ?? '';
    for (const role of rolesOn(run, host)) {
      const [[name, version] = ['', '']] = Object.entries(targetOn(run, host, role).versions);
      const key = `${system} ${name}`;
      const other = seen.get(key);
      if (other === undefined) seen.set(key, { host: host.name, version });
      else if (other.version !== version)
        return [
          {
            kind: 'refuse',
            message: `the repositories of ${other.host} lead to ${name} ${other.version}, and those of ${host.name} to ${version}`,
            hint: 'give all hosts the same repositories, or name a version that all of them offer with --to',
          },
        ];
    }
  }
  return [];
}

/** What every host is to have, and what it has of that now. */
export function choose(run: UpdateRun): UpdateOptions {
  const { view, inventory, options } = run;
  if (updatableHosts(inventory).some(({ name }) => view.read(name, PACKAGE_OFFERS) === undefined)) return options;
  const targets = updatableHosts(inventory).map((host): [string, Record<string, Versions>] => [
    host.name,
    Object.fromEntries(rolesOn(run, host).map((role) => [role, targetOn(run, host, role).versions])),
  ]);
  const former = targets.map(([host, byRole]): [string, Versions] => {
    const offers = view.read(host, PACKAGE_OFFERS)?.packages ?? {};
    const changing = Object.entries(Object.assign({}, ...Object.values(byRole)) as Versions).flatMap(
      ([name, version]): [string, string][] => {
        const installed = offers[name]?.installed;
        return installed === undefined || installed === version ? [] : [[name, installed]];
      },
    );
    return [host, Object.fromEntries(changing)];
  });
  return { ...options, targets: Object.fromEntries(targets), former: Object.fromEntries(former) };
}
