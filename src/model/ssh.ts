import { isIPv6 } from 'node:net';
import { userInfo } from 'node:os';
import { Secret } from '../lib/secret.js';
import type { HostKeySettings, Provenance, SshHop, SshSettings, Variables } from './inventory.js';
import type { PathResolver } from './paths.js';
import { type Configured, type ConfiguredHost, DEFAULT_CONFIGS, PROXY_COMMAND, type SshConfigs } from './ssh-config.js';

/** What the `ssh` section of a host needs to become settings. */
export interface SshContext {
  /** The host's address as the inventory has it. */
  address: string;
  paths: PathResolver;
  /** The user that runs pgprov. */
  user: string;
  configs: SshConfigs;
  /** Whether the inventory itself gives a key of the section, and not its default. */
  isGiven(key: string): boolean;
  /** Told what is wrong with a hop, a `ProxyCommand` or the way to become root. */
  addProblem(path: string, message: string): void;
}

/** Settings, and which of them OpenSSH's configuration gave. */
export interface ResolvedSsh {
  settings: SshSettings;
  /** By dotted path; to be laid over the provenance of the section. */
  provenance: [string, Provenance][];
}

/** The name of the user that runs pgprov; `root` where the system has no name for it. */
export function currentUser(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username;
  } catch {
    return env['USER'] ?? 'root';
  }
}

/** The settings of a resolved `ssh` section: the inventory wins over OpenSSH's configuration, that over the defaults. */
export function sshSettings(section: Variables, context: SshContext): ResolvedSsh {
  return new Resolution(section, context).resolve();
}

class Resolution {
  readonly #section: Variables;
  readonly #context: SshContext;
  readonly #files: readonly string[] | undefined;
  readonly #config: ConfiguredHost;
  readonly #provenance: [string, Provenance][] = [];

  constructor(section: Variables, context: SshContext) {
    this.#section = section;
    this.#context = context;
    this.#files = section['config'] === false ? [] : context.isGiven('config') ? listOf(section['config']) : undefined;
    const user = text(section['user']);
    const given = {
      ...(user === undefined ? {} : { user }),
      ...(context.isGiven('port') ? { port: section['port'] as number } : {}),
    };
    this.#config = context.configs.lookUp(context.address, this.#files, given);
  }

  resolve(): ResolvedSsh {
    const section = this.#section;
    const config = this.#config;
    const login = text(this.#pick('user', config.user)) ?? this.#context.user;
    const settings: SshSettings = {
      config: this.#files ?? DEFAULT_CONFIGS,
      address: this.#take('address', config.hostName) ?? this.#context.address,
      user: login,
      port: this.#pick('port', config.port) ?? (section['port'] as number),
      ...this.#keys(config),
      ...passwordOf(section['password']),
      ...this.#alias(),
      jump: this.#jump(login),
      become: this.#become(login),
      hostKeys: this.#hostKeys(config, true),
      connectTimeout: this.#pick('connect_timeout', config.connectTimeout) ?? (section['connect_timeout'] as number),
      keepalive: {
        interval: this.#pick('keepalive_interval', config.keepaliveInterval) ?? (section['keepalive_interval'] as number),
        count: this.#pick('keepalive_count', config.keepaliveCount) ?? (section['keepalive_count'] as number),
      },
      commandTimeout: section['command_timeout'] as number,
    };
    return { settings, provenance: this.#provenance };
  }

  /** What the inventory gives, else what the configuration gives; undefined leaves the default. */
  #pick<T>(key: string, configured: Configured<T> | undefined): T | undefined {
    if (this.#context.isGiven(key)) return this.#section[key] as T;
    return this.#take(key, configured);
  }

  #take<T>(key: string, configured: Configured<T> | undefined): T | undefined {
    if (configured === undefined) return undefined;
    const { value, file, line } = configured;
    this.#provenance.push([`ssh.${key}`, { kind: 'ssh-config', file, line }]);
    return value;
  }

  /** A key file of the inventory leaves no others; those of the configuration are tried besides the agent's keys. */
  #keys(config: ConfiguredHost): Partial<SshHop> {
    const { paths } = this.#context;
    const given = text(this.#section['identity_file']);
    const agent = this.#take('agent', config.identityAgent);
    const common = { ...passphraseOf(this.#section['key_passphrase']), ...(agent === undefined ? {} : { agent }) };
    if (given !== undefined) return { identityFile: paths.resolve(given), ...common };
    this.#take('identity_file', config.identityFiles);
    this.#take('identities_only', config.identitiesOnly);
    return { ...identitiesOf(config), ...common };
  }

  #alias(): Pick<SshHop, 'hostKeyAlias'> {
    const hostKeyAlias = this.#take('host_key_alias', this.#config.hostKeyAlias);
    return hostKeyAlias === undefined ? {} : { hostKeyAlias };
  }

  #hostKeys(config: ConfiguredHost, take: boolean): HostKeySettings {
    const { paths, isGiven } = this.#context;
    const pick = <T>(key: string, configured: Configured<T> | undefined): T | undefined => {
      if (isGiven(key)) return undefined;
      return take ? this.#take(key, configured) : configured?.value;
    };
    return {
      policy: pick('host_key_policy', config.hostKeyPolicy) ?? (this.#section['host_key_policy'] as HostKeySettings['policy']),
      files: pick('known_hosts', config.knownHosts) ?? listOf(this.#section['known_hosts']).map((path) => paths.resolve(path)),
    };
  }

  #become(login: string): SshSettings['become'] {
    const method = (text(this.#section['become']) ?? (login === 'root' ? 'none' : 'sudo')) as SshSettings['become']['method'];
    const password = passwordOf(this.#section['become_password']);
    if (method === 'doas' && password.password !== undefined) {
      const message = 'doas takes its password only from a terminal, where pgprov cannot give it; let its rule say nopass, or use sudo';
      this.#context.addProblem('ssh.become_password', message);
    }
    return { method, ...password };
  }

  #jump(login: string): SshHop[] {
    const { isGiven, addProblem, configs } = this.#context;
    const configured = isGiven('jump') ? undefined : this.#config.jump;
    if (configured === undefined) {
      return listOf(this.#section['jump']).flatMap((hop, index) =>
        this.#hop(hop, login, index === 0, (message) => addProblem(`ssh.jump[${index}]`, message)),
      );
    }
    this.#take('jump', configured);
    const { file, line } = configured;
    return configured.value.flatMap((hop, index) =>
      this.#hop(
        hop,
        this.#context.user,
        index === 0,
        (message) =>
          configs.error({
            file,
            line,
            keyword: 'ProxyJump',
            message: message === HOP_FORM ? `${message}, not "${maskHop(hop)}"` : message,
          }),
        configured,
      ),
    );
  }

  /**
   * A hop, which has settings of its own in OpenSSH's configuration. The first may have hops before it there, as with
   * OpenSSH.
   */
  #hop(written: string, user: string, first: boolean, refuse: (message: string) => void, from?: Configured<unknown>, depth = 0): SshHop[] {
    const { configs } = this.#context;
    if (written === PROXY_COMMAND) {
      const { file = '', line } = from ?? {};
      const hint = 'say ProxyJump, or give the way as ssh.jump in the inventory ([] for none)';
      configs.error({
        file,
        ...(line === undefined ? {} : { line }),
        keyword: 'ProxyCommand',
        message: 'is not supported, and a host of the inventory needs it',
        hint,
      });
      return [];
    }
    const parsed = parseHop(written, from !== undefined);
    if (typeof parsed === 'string') {
      refuse(parsed);
      return [];
    }
    const config = configs.lookUp(parsed.address, this.#files, parsed);
    const before = first && depth < 8 ? (config.jump?.value ?? []) : [];
    const identityFile = text(this.#section['identity_file']);
    const hop: SshHop = {
      address: config.hostName?.value ?? parsed.address,
      port: parsed.port ?? config.port?.value ?? 22,
      user: parsed.user ?? config.user?.value ?? user,
      ...keysOfHop(config, identityFile === undefined ? undefined : this.#context.paths.resolve(identityFile)),
      ...passphraseOf(this.#section['key_passphrase']),
      ...(config.identityAgent === undefined ? {} : { agent: config.identityAgent.value }),
      ...(config.hostKeyAlias === undefined ? {} : { hostKeyAlias: config.hostKeyAlias.value }),
      ...(config.knownHosts === undefined && config.hostKeyPolicy === undefined ? {} : { hostKeys: this.#hostKeys(config, false) }),
    };
    return [
      ...before.flatMap((earlier, index) => this.#hop(earlier, this.#context.user, index === 0, refuse, config.jump, depth + 1)),
      hop,
    ];
  }
}

function identitiesOf(config: ConfiguredHost): Pick<SshHop, 'identities'> {
  if (config.identityFiles === undefined && config.identitiesOnly === undefined) return {};
  return { identities: { files: config.identityFiles?.value ?? [], only: config.identitiesOnly?.value ?? false } };
}

/** A hop's own keys of the configuration, and the host's key file, which it may take as well. */
function keysOfHop(config: ConfiguredHost, file: string | undefined): Pick<SshHop, 'identityFile' | 'identities'> {
  if (file === undefined) return identitiesOf(config);
  if (config.identityFiles === undefined) return { identityFile: file };
  return { identities: { files: [...config.identityFiles.value, file], only: config.identitiesOnly?.value ?? false } };
}

const HOP_FORM = 'must be a hop such as admin@bastion:22 or admin@[2001:db8::1]:22';

/** A hop as it may be shown: what stands between a colon and an at sign is meant as a password. */
export function maskHop(written: string): string {
  return written.replace(/(?<!^ssh):.*@/u, ':***@');
}

/** Reads `user@host:port`, `host` or `[2001:db8::1]:22`; a string says what is wrong with it. */
export function parseHop(written: string, asUrl = false): { address: string; port?: number; user?: string } | string {
  if (/^[^@\s,]*:[^@\s,]*@/u.test(written.replace(/^ssh:/u, '')))
    return 'has a password; a hop takes none, but identity_file, its own key files and the agent';
  const hop = asUrl ? written.replace(/^ssh:\/\//u, '').replace(/\/$/u, '') : written;
  const [, login, bracketed, plain, digits] = /^(?:([^@\s:]+)@)?(?:\[([^\]]+)\]|([^[\]@:\s]+))(?::(\d{1,5}))?$/u.exec(hop) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined || (bracketed !== undefined && !isIPv6(bracketed))) return HOP_FORM;
  if (!/^[A-Za-z0-9_:][A-Za-z0-9_.:%-]*$/u.test(address)) return HOP_FORM;
  const port = digits === undefined ? undefined : Number(digits);
  if (port !== undefined && (port < 1 || port > 65535)) return `must have a port from 1 to 65535, not ${port}`;
  return { address, ...(port === undefined ? {} : { port }), ...(login === undefined ? {} : { user: login }) };
}

function passwordOf(value: unknown): { password?: Secret } {
  return value instanceof Secret ? { password: value } : {};
}

function passphraseOf(value: unknown): { keyPassphrase?: Secret } {
  return value instanceof Secret ? { keyPassphrase: value } : {};
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function listOf(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
}
