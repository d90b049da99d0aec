/** What `npm ci` needs of the lock file, and Node of the packages: both have failed once on a fresh clone. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

interface Package {
  version?: string;
  resolved?: string;
  engines?: { node?: string };
  optionalDependencies?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

const lock = JSON.parse(readFileSync(join(import.meta.dirname, '../package-lock.json'), 'utf8')) as {
  packages: Record<string, Package>;
};
const root = lock.packages['']!;
const direct = Object.keys({ ...root.dependencies, ...root.devDependencies });

/** Where Node would find `name` from the package at `place`. */
function entryOf(place: string, name: string): Package | undefined {
  for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    const entry = lock.packages[at === '' ? `node_modules/${name}` : `${at}/node_modules/${name}`];
    if (entry || at === '') return entry;
  }
}

describe('the packages', () => {
  it('have each of their platforms in the lock file, the ones of other machines too', () => {
    const missing = Object.entries(lock.packages).flatMap(([place, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter((name) => !entryOf(place, name)?.version)
        .map((name) => `${place} → ${name}`),
    );
    expect(missing).toEqual([]);
  });

  it('are pinned to one version each', () => {
    const wanted = { ...root.dependencies, ...root.devDependencies };
    for (const name of direct) expect(wanted[name]).toBe(lock.packages[`node_modules/${name}`]!.version);
  });
});
