/**
 * The embedded database: Postgres in this very process, its files in a folder of ours. One process at a time
 * may have the folder open, and PGlite does not see to that itself.
 */
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { tryLock } from 'fs-native-extensions';
import { reasonOf } from '../cause.ts';
import { prepareAppend } from './append.ts';
import { type Database, type Readable, readsInOrder } from './database.ts';
import { migrationsFolder } from './migrations-folder.ts';

/** Opens the folder, which is made if it is not there; null: a database in memory. Throws if another process has it open. */
export async function openPGlite(dataDir: string | null): Promise<Database> {
  const { client, ...opened } = await (dataDir === null
    ? openInMemory()
    : open(
        resolve(dataDir),
        'stop it, set another DATA_DIR, or share a Postgres server between them with DATABASE_URL',
        prepareToServe,
      ));
  const db = drizzle(client);
  return {
    ...opened,
    db,
    opener: db,
    append: prepareAppend(db),
    // Whoever has the folder's lock, or the memory.
    alone: true,
    hold: async () => true,
    held: true,
    renew: async () => {},
    reset: async () => {},
    resetReaders: async () => {},
  };
}

async function openInMemory(): Promise<Opened> {
  const client = await PGlite.create('memory://');
  await prepareToServe(client);
  return { name: 'PGlite in memory', client, close: () => client.close() };
}

async function prepareToServe(client: PGlite): Promise<void> {
  await migrate(drizzle(client), { migrationsFolder });
  for (const [name, value] of Object.entries(readsInOrder)) await client.exec(`set ${name} = ${value}`);
}

interface Opened {
  name: string;
  client: PGlite;
  close(): Promise<void>;
}

/** The same, of a folder that is there, to read it. Migrates nothing. */
export async function openPGliteToRead(dataDir: string): Promise<Readable> {
  const folder = resolve(dataDir);
  if (!existsSync(join(folder, 'pglite'))) {
    throw new Error(`there is no embedded database in ${folder} (DATA_DIR), and no DATABASE_URL`);
  }
  const { client, ...opened } = await open(folder, 'ask that process instead (GET /api/verify), or stop it');
  return { ...opened, db: drizzle(client) };
}

/** The database in the folder, which nobody else can open until it is closed. `advice`: for whom somebody else was first. */
async function open(
  folder: string,
  advice: string,
  prepare: (client: PGlite) => Promise<void> = async () => {},
): Promise<Opened> {
  const unlock = lockFolder(folder, advice);
  try {
    const client = await PGlite.create(join(folder, 'pglite'));
    await prepare(client);
    const close = async () => {
      await client.close();
      unlock();
    };
    return { name: `PGlite in ${folder}`, client, close };
  } catch (error) {
    unlock();
    throw new Error(`cannot open the embedded database in ${folder} (DATA_DIR): ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** A lock of the operating system's: it ends with the process, however that ends. */
function lockFolder(folder: string, advice: string): () => void {
  let file: number | undefined;
  let locked: boolean;
  try {
    mkdirSync(folder, { recursive: true });
    file = openSync(join(folder, 'lock'), 'a+');
    locked = tryLock(file);
  } catch (error) {
    if (file !== undefined) closeSync(file);
    throw new Error(`cannot use the folder ${folder} (DATA_DIR): ${reasonOf(error)}`, { cause: error });
  }
  if (!locked) {
    closeSync(file);
    throw new Error(`another Leasehold process uses the folder ${folder}: ${advice}`);
  }
  const held = file;
  return () => closeSync(held);
}
