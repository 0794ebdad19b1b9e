import type { VariableSchema, VariablesSchema } from '../../../src/index.js';
import { DIRECTORY } from '../schemas.js';

const WORD = { type: 'string', pattern: '^[!-~]{1,255}$', expects: 'printable ASCII characters without spaces, 255 at most' } as const;

const SECRET = { ...WORD, pattern: '^[!-~]{1,4096}$', expects: 'printable ASCII characters without spaces', secret: true } as const;

/** Every level of a path is a letter or a digit or one of . _ - at most, so that no shell and no bucket sees anything else in it. */
const PLACE = {
  ...DIRECTORY,
  pattern: '^(/+(?!\\.{1,2}(/|$))[A-Za-z0-9._-]+)+/*$',
  expects: 'an absolute path of letters, digits and . _ -',
} as const;

const REPOSITORY = {
  type: 'object',
  properties: {
    host: { type: 'string', maxLength: 255, description: 'The host with the role backup-repository that has it.' },
    directory: {
      ...PLACE,
      description:
        'Where it is: on that host; without a host and a store of objects a directory that is mounted on every member; in a store of objects the path there. Default: /var/lib/pgbackrest on the host, and the cluster’s name in a store of objects.',
    },
    s3: {
      type: 'object',
      properties: {
        bucket: { ...WORD },
        endpoint: { ...WORD },
        region: { ...WORD },
        key: { ...SECRET, description: 'Access key.' },
        key_secret: { ...SECRET, description: 'Secret access key.' },
        key_type: { type: 'string', enum: ['shared', 'auto', 'web-id'], description: 'Default: shared, with key and key_secret.' },
        uri_style: { type: 'string', enum: ['host', 'path'], description: 'Default: host. Most servers that are not Amazon’s take path.' },
        port: { type: 'integer', minimum: 1, maximum: 65535, description: 'Default: 443.' },
        ca_file: { ...PLACE, description: 'Authority of the server’s certificate, on every member.' },
      },
    },
    azure: {
      type: 'object',
      properties: {
        account: { ...WORD },
        container: { ...WORD },
        key: { ...SECRET },
        key_type: { type: 'string', enum: ['shared', 'sas', 'auto'], description: 'Default: shared.' },
        endpoint: { ...WORD },
      },
    },
    gcs: {
      type: 'object',
      properties: {
        bucket: { ...WORD },
        key_file: { ...PLACE, description: 'The service account’s key, a file on every member that postgres can read.' },
        key_type: { type: 'string', enum: ['service', 'auto'], description: 'Default: service, with key_file.' },
      },
    },
    retention_full: {
      type: 'integer',
      minimum: 1,
      maximum: 9999999,
      description: 'Full backups that are kept, with all that depends on them and the WAL since. Default: 2.',
    },
    retention_diff: { type: 'integer', minimum: 1, maximum: 9999999, description: 'Differential backups that are kept. Default: all.' },
    encrypted: {
      type: 'boolean',
      description: 'Encrypted with `passphrase` (AES-256). Fixed when the repository is first used. Default: true.',
    },
  },
} as const satisfies VariableSchema;

/** When systemd starts something, or never: what its calendar events are made of. */
const WHEN = {
  type: 'string',
  pattern: '^(?=.{1,200}$)[A-Za-z0-9*][A-Za-z0-9*:.,/~ +_-]*$',
  expects: 'when, as systemd.time(7) has it, such as `Sun 01:00`, or none',
} as const;

/** The variables of the role backup. */
export const BACKUP_VARIABLES = {
  type: 'object',
  description: 'Backups and the archive of WAL, by pgBackRest. What is set here counts for the repository hosts too.',
  properties: {
    stanza: {
      change: 'recreate',
      type: 'string',
      pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$',
      expects: 'letters, digits, dashes and underscores, 63 at most',
      scope: 'cluster',
      description: 'What pgBackRest calls the cluster. Default: the inventory’s `cluster`.',
    },
    repositories: {
      change: 'free',
      type: 'object',
      propertyNames: { pattern: '^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$', expects: 'a name of letters, digits, dashes and underscores' },
      additionalProperties: REPOSITORY,
      minProperties: 1,
      maxProperties: 4,
      scope: 'cluster',
      examples: [{ near: { host: 'repo1', retention_full: 4 }, far: { host: 'repo2' } }],
      description:
        'Where backups go, by names of yours. Default: one on each host with the role backup-repository. See [backups.md](backups.md).',
    },
    passphrase: {
      change: 'recreate',
      type: 'string',
      pattern: '^[!-~]{8,1000}$',
      expects: 'printable ASCII characters without spaces, at least 8',
      secret: true,
      scope: 'cluster',
      description:
        'What encrypted repositories are encrypted with. Generated on first use when not given. Without it every backup is lost.',
    },
    port: {
      change: 'restart',
      type: 'integer',
      minimum: 1,
      maximum: 65535,
      default: 8432,
      scope: 'cluster',
      description: 'TCP port of pgBackRest’s server on the members, which there is with a repository host.',
    },
    compression: {
      change: 'free',
      type: 'object',
      default: {},
      description: 'How backups and WAL are compressed.',
      properties: {
        type: {
          type: 'string',
          enum: ['zst', 'lz4', 'gz', 'none'],
          default: 'zst',
          scope: 'cluster',
          description: 'With none nothing is compressed.',
        },
        level: { type: 'integer', minimum: -7, maximum: 22, scope: 'cluster', description: 'Default: that of pgBackRest for the type.' },
      },
    },
    processes: {
      change: 'free',
      type: 'integer',
      minimum: 1,
      maximum: 999,
      default: 2,
      scope: 'cluster',
      description: 'Processes that copy side by side.',
    },
    archive_async: {
      change: 'free',
      type: 'boolean',
      default: true,
      scope: 'cluster',
      description: 'Archive WAL in the background, several segments at once.',
    },
    archive_timeout: {
      change: 'reload',
      type: 'integer',
      minimum: 0,
      maximum: 86400,
      default: 60,
      scope: 'cluster',
      description: 'Seconds after which a WAL segment that is not full is archived: what a loss of all members costs at most. 0 for never.',
    },
    from_standby: {
      change: 'free',
      type: 'string',
      enum: ['prefer', 'never'],
      default: 'prefer',
      scope: 'cluster',
      description:
        'Whether a repository host copies from a standby where one streams; pgBackRest before 2.54 always copies from the leader.',
    },
    replicas_from_backup: {
      change: 'reload',
      type: 'boolean',
      default: false,
      scope: 'cluster',
      description: 'Make replicas from the repository, and from the leader where that fails.',
    },
    schedule: {
      change: 'free',
      type: 'object',
      default: {},
      description: 'When backups are taken, by the clock of the host that takes them.',
      properties: {
        full: { ...WHEN, default: 'Sun 01:00', scope: 'cluster', description: 'Full backups, as systemd.time(7) has it, or none.' },
        diff: { ...WHEN, default: 'Mon..Sat 01:00', scope: 'cluster', description: 'What has changed since the last full one, or none.' },
        incr: { ...WHEN, default: 'none', scope: 'cluster', description: 'What has changed since the last one of any kind, or none.' },
      },
    },
    time_limit: {
      change: 'free',
      type: 'integer',
      minimum: 1,
      maximum: 720,
      default: 24,
      scope: 'cluster',
      description: 'Hours after which a backup that has not ended is ended.',
    },
    max_age: {
      change: 'free',
      type: 'integer',
      minimum: 1,
      maximum: 8760,
      default: 36,
      scope: 'cluster',
      description: 'Hours since the last good backup after which the status warns.',
    },
    max_archive_lag: {
      change: 'free',
      type: 'integer',
      minimum: 1,
      maximum: 10080,
      default: 15,
      scope: 'cluster',
      description: 'Minutes for which WAL may wait to be archived before the status warns, also where nothing has failed.',
    },
  },
} as const satisfies VariablesSchema;
