import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import { socketDatabaseUrl } from '../src/config/config.ts';
import { templateDatabase } from './global-setup.ts';

/** A database of one's own. */
export interface TestDatabase {
  readonly url: string;
  /** Drops it, also while others are connected. */
  drop(): Promise<void>;
}

const administer = async (statement: string): Promise<void> => {
  const client = new pg.Client(socketDatabaseUrl(inject('clusterDirectory'), 'postgres'));
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
};

/** Makes a fresh database with the newest schema, or an empty one. */
export const createTestDatabase = async (options: { readonly empty?: boolean } = {}): Promise<TestDatabase> => {
  const name = `test_${randomBytes(8).toString('hex')}`;
  await administer(`create database ${name}${options.empty === true ? '' : ` template ${templateDatabase}`}`);
  return {
    url: socketDatabaseUrl(inject('clusterDirectory'), name),
    drop: () => administer(`drop database if exists ${name} with (force)`),
  };
};
