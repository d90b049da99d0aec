/** A real PGlite in a temporary folder, for simulations to keep their rows in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPGlite } from '../../src/journal/pglite.ts';
import { keepRowsIn } from './pglite-ground.ts';

/** Opens it. Gives what ends it, and leaves nothing behind. */
export async function openRealRows(): Promise<() => Promise<void>> {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-simulation-'));
  const database = await openPGlite(folder);
  keepRowsIn(database);
  return async () => {
    await database.close();
    rmSync(folder, { recursive: true, force: true });
  };
}
