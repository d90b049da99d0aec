/** Fresh databases, of both kinds that a journal can stand on. Each is gone when its test has ended. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import postgres from 'postgres';
import { inject } from 'vitest';
import { atEnd } from './lifetime.ts';

export interface Where {
  databaseUrl?: string | undefined;
  dataDir: string;
}

export type DatabaseKind = 'postgres' | 'pglite';
export const databaseKinds: DatabaseKind[] = ['postgres', 'pglite'];

/** A place where nothing is yet. */
export async function freshDatabase(kind: DatabaseKind): Promise<Where> {
  return kind === 'postgres'
    ? { databaseUrl: await freshPostgres(), dataDir: '' }
    : { dataDir: freshFolder() };
}

export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-test-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The URL of an empty database on the run's Postgres server. */
export async function freshPostgres(): Promise<string> {
  const server = inject('postgresUrl');
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await once(server, `create database ${name}`);
  atEnd(() => once(server, `drop database if exists ${name} with (force)`));
  const url = new URL(server);
  url.pathname = `/${name}`;
  return url.href;
}

/** Keeps every commit waiting until it is called off. */
export async function holdCommits(url: string): Promise<() => Promise<void>> {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  atEnd(() => client.end({ timeout: 0 }));
  await client.unsafe('begin; lock table token_events in access exclusive mode').simple();
  return async () => {
    await client.unsafe('rollback');
  };
}

async function once(url: string, statement: string): Promise<void> {
  const client = postgres(url, { max: 1, onnotice: () => {} });
  try {
    await client.unsafe(statement);
  } finally {
    await client.end();
  }
}
