import type { OptionSchema, OptionSchemas } from '../../../index.js';
import { TIME_PATTERN } from './target.js';

/** Where a restore is to end, as it is given on the command line. */
export const AIM_OPTIONS: OptionSchemas = {
  time: {
    type: 'string',
    value: 'moment',
    pattern: TIME_PATTERN,
    expects: 'a time such as 2026-03-04T22:00:00+01:00; without an offset it is in UTC',
    description: 'to this time: what was committed later is not in it',
  },
  lsn: {
    type: 'string',
    value: 'location',
    pattern: '[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}',
    expects: 'a WAL location such as 0/5005420',
    description: 'to this location in the WAL',
  },
  xid: {
    type: 'string',
    value: 'number',
    pattern: '\\d{1,20}',
    expects: 'the number of a transaction',
    description: 'to this transaction',
  },
  name: { type: 'string', value: 'name', description: 'to this restore point, made by pg_create_restore_point' },
  latest: { type: 'boolean', description: 'to the last commit that is archived' },
  backup: {
    type: 'string',
    value: 'label',
    pattern: '[0-9FDI_-]{1,40}',
    expects: 'the label of a backup, as in the list of backups',
    description: 'begin with this backup; alone, to its end',
  },
  timeline: { type: 'integer', minimum: 1, description: 'follow this timeline; default: the one that the cluster is on' },
};

/** Takes back what is not finished. */
export const UNDO_OPTION: OptionSchema = {
  type: 'boolean',
  answers: 'takes-back',
  description: 'bring back what was there before, as long as no client was let in',
};
