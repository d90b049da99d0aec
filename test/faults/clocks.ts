/** Clocks that can be stepped: of a process, by a shim that is loaded before it; of a Postgres server, by libfaketime. */
import { chmodSync, existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { freshFolder } from '../support/databases.ts';
import type { Environment } from '../support/process.ts';
import type { Member } from './cluster.ts';

export const hourMs = 3_600_000;

/** The wall clock of one process. */
export class WallClock {
  readonly #file = join(freshFolder(), 'shift');
  /** What the process is started with. */
  readonly env: Environment;

  constructor(shiftMs = 0) {
    this.#write(shiftMs);
    const shim = pathToFileURL(join(import.meta.dirname, 'shift-clock.mjs')).href;
    this.env = { NODE_OPTIONS: `--import ${shim}`, CLOCK_SHIFT_FILE: this.#file };
  }

  /** From now on the clock of the process that was started with it is off by so much. */
  step(shiftMs: number, { service }: Member): void {
    this.#write(shiftMs);
    service.signal('SIGUSR2');
  }

  #write(shiftMs: number): void {
    writeFileSync(this.#file, String(shiftMs));
  }
}

const libraries = '/usr/lib';

/** Debian's package `faketime`. */
export const libfaketime = (existsSync(libraries) ? readdirSync(libraries) : [])
  .map((folder) => join(libraries, folder, 'faketime/libfaketime.so.1'))
  .find((file) => existsSync(file));

/** The clock of a Postgres server that is started in this environment. */
export class DatabaseClock {
  readonly #file: string;
  readonly env: Record<string, string>;

  constructor() {
    const folder = freshFolder();
    // The server is another user's.
    chmodSync(folder, 0o755);
    this.#file = join(folder, 'faketime');
    this.step(0);
    this.env = {
      LD_PRELOAD: libfaketime!,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  step(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}`);
  }
}
