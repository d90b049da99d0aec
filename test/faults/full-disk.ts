/**
 * A Postgres server whose disk can be full. As root its folder is a small file system of its own, in memory, which is filled
 * by a file. An ordinary user may not mount one: there, its processes are kept from writing beyond the beginnings of files.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd } from '../support/lifetime.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';

export interface FillableServer extends PostgresServer {
  fill(): void;
  /** There is room again; the server is started again if it has given up. */
  free(): Promise<void>;
}

export async function startFillablePostgres(): Promise<FillableServer> {
  const folder = mkdtempSync(join(tmpdir(), 'leasehold-disk-'));
  const isMounted = mountSmall(folder);
  const own = join(folder, 'postgres');
  mkdirSync(own);
  const server = await startPostgres([], { folder: own });
  atEnd(async () => {
    await server.stop();
    if (isMounted) execFileSync('umount', [folder]);
    rmSync(folder, { recursive: true, force: true });
  });
  const { fill, free } = isMounted ? byBallast(join(folder, 'ballast')) : byLimit(server);
  const freeAndStart = async () => {
    free();
    if (!server.isRunning()) await server.resume();
  };
  return { ...server, fill, free: freeAndStart };
}

function mountSmall(folder: string): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=160m,mode=755', 'none', folder], { stdio: 'pipe' });
    return true;
  } catch {
    // A container may be root and yet not be allowed to.
    return false;
  }
}

function byBallast(file: string) {
  const fill = () => {
    const ballast = openSync(file, 'w');
    try {
      for (const size of [1 << 20, 1 << 12]) {
        const bytes = Buffer.alloc(size);
        while (writeSync(ballast, bytes) === size);
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    } finally {
      closeSync(ballast);
    }
  };
  return { fill, free: () => rmSync(file) };
}

/** With a soft limit, which whoever set it may lift again. */
function byLimit(server: PostgresServer) {
  const limit = (size: string) => {
    const [first] = readFileSync(join(server.folder, 'postmaster.pid'), 'utf8').split('\n');
    const pids = [first!, ...execFileSync('pgrep', ['-P', first!], { encoding: 'utf8' }).trim().split('\n')];
    for (const pid of pids) execFileSync('prlimit', ['--pid', pid, `--fsize=${size}:`]);
  };
  return {
    fill: () => limit('65536'),
    free: () => (server.isRunning() ? limit('unlimited') : undefined),
  };
}
