import type { VariableSchema } from '../../../src/index.js';
import { STORE_NAMES } from './store-names.js';

const SECONDS = { type: 'integer', minimum: 0 } as const satisfies VariableSchema;
const BOOLEAN = { type: 'boolean' } as const satisfies VariableSchema;
const TEXT = { type: 'string' } as const satisfies VariableSchema;
const SCALAR = { type: ['string', 'number', 'boolean'] } as const satisfies VariableSchema;

/** A slot's name, as PostgreSQL takes it. */
const SLOT_NAME = {
  pattern: '^[a-z0-9_]{1,63}$',
  expects: 'the name of a slot: lower-case letters, digits and underscores, 63 at most',
} as const;

const SLOT = {
  type: 'object',
  properties: {
    type: { type: 'string', enum: ['physical', 'logical'] },
    database: TEXT,
    plugin: TEXT,
    cluster_type: { type: 'string', enum: ['primary', 'standby'] },
  },
} as const satisfies VariableSchema;

const PARAMETER = {
  type: ['string', 'number', 'boolean'],
  pattern: '^[^\\u0000-\\u001f\\u007f]*$',
  expects: 'a value without control characters',
} as const;

/**
 * What Patroni takes in its dynamic configuration (its documentation, "Dynamic configuration settings", and what its
 * Config._safe_copy_dynamic_configuration and GlobalConfig read): anything else it takes without a word and without an effect. Left out
 * is what a member's own file gives, because that goes over it.
 */
export const DYNAMIC_PROPERTIES: Readonly<Record<string, VariableSchema>> = {
  ttl: { type: 'integer', minimum: 20, description: 'Goes over patroni.ttl.' },
  loop_wait: { type: 'integer', minimum: 1, description: 'Goes over patroni.loop_wait.' },
  retry_timeout: { type: 'integer', minimum: 3, description: 'Goes over patroni.retry_timeout.' },
  maximum_lag_on_failover: { type: 'integer', minimum: 0, description: 'Goes over patroni.maximum_lag_on_failover.' },
  maximum_lag_on_syncnode: { type: 'integer', minimum: -1, description: 'Bytes; -1 for no bound.' },
  max_timelines_history: { type: 'integer', minimum: 0, description: 'Entries of the history that are kept; 0 for all.' },
  primary_start_timeout: { ...SECONDS, description: 'Seconds that a crashed leader may take to recover before another takes over.' },
  primary_stop_timeout: { ...SECONDS, description: 'Seconds that a leader may take to stop in synchronous mode.' },
  master_start_timeout: { ...SECONDS, description: 'The former name of primary_start_timeout.' },
  master_stop_timeout: { ...SECONDS, description: 'The former name of primary_stop_timeout.' },
  primary_race_backoff: { ...SECONDS, description: 'Seconds for which standbys wait while WAL still arrives.' },
  synchronous_mode: {
    anyOf: [BOOLEAN, { type: 'string', enum: ['on', 'off', 'quorum'] }],
    expects: 'true, false or quorum',
    description: 'Overrides patroni.synchronous_mode; `quorum` takes Patroni 4.',
  },
  synchronous_mode_strict: BOOLEAN,
  synchronous_node_count: { type: 'integer', minimum: 1, description: 'Synchronous standbys.' },
  failsafe_mode: { ...BOOLEAN, description: `A leader that reaches all members keeps leading while ${STORE_NAMES} is down.` },
  check_timeline: BOOLEAN,
  pause: { ...BOOLEAN, description: 'Maintenance mode.' },
  member_slots_ttl: {
    anyOf: [SECONDS, { type: 'string', pattern: '^\\s*\\d+\\s*(us|ms|s|min|h|d)?\\s*$' }],
    expects: 'seconds, or a time such as 30min',
    description: 'How long the slot of a member that is gone is kept.',
  },
  slots: { type: 'object', propertyNames: SLOT_NAME, additionalProperties: SLOT, description: 'Permanent replication slots.' },
  ignore_slots: {
    type: 'array',
    items: {
      type: 'object',
      properties: { name: TEXT, type: { type: 'string', enum: ['physical', 'logical'] }, database: TEXT, plugin: TEXT },
    },
    description: 'Replication slots that Patroni leaves alone.',
  },
  standby_cluster: {
    type: 'object',
    properties: {
      host: TEXT,
      port: { anyOf: [{ type: 'integer', minimum: 1, maximum: 65535 }, TEXT], expects: 'a port, or several with commas' },
      primary_slot_name: TEXT,
      create_replica_methods: { type: 'array', items: TEXT },
      restore_command: TEXT,
      archive_cleanup_command: TEXT,
      recovery_min_apply_delay: { type: ['string', 'integer'] },
    },
    description: 'The cluster that this one is a standby of.',
  },
  postgresql: {
    type: 'object',
    properties: {
      parameters: { type: 'object', additionalProperties: PARAMETER, description: 'Goes over postgresql.parameters.' },
      pg_ident: {
        type: 'array',
        items: { type: 'string', pattern: '^[^\\u0000-\\u001f\\u007f]*$', expects: 'one line of pg_ident.conf' },
        description: 'Lines of pg_ident.conf.',
      },
      use_pg_rewind: BOOLEAN,
      use_slots: BOOLEAN,
      recovery_conf: {
        type: 'object',
        additionalProperties: SCALAR,
        description: 'Recovery parameters of standbys, such as restore_command.',
      },
      pg_ctl_timeout: SECONDS,
      remove_data_directory_on_rewind_failure: BOOLEAN,
      remove_data_directory_on_diverged_timelines: BOOLEAN,
      create_replica_methods: {
        type: 'array',
        items: TEXT,
        description: 'How replicas are made; the settings of a method stand beside it, under its name.',
      },
      callbacks: { type: 'object', additionalProperties: TEXT },
      rewind: { type: 'array', items: { type: ['string', 'object'] } },
      basebackup: { type: ['array', 'object'], description: 'Options for pg_basebackup.' },
      pre_promote: TEXT,
      before_stop: TEXT,
      custom_conf: TEXT,
      krbsrvname: TEXT,
      use_unix_socket_repl: BOOLEAN,
    },
    // The settings of a method of create_replica_methods; which ones there are is in its list.
    additionalProperties: {},
  },
};
