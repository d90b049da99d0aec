/** `PROOF.md` names only tests that there are, each regression by its name, and every invariant has a test that names it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const folder = import.meta.dirname;
const proof = readFileSync(join(folder, 'PROOF.md'), 'utf8');
const tests = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.test.ts'),
);
const text = (name: string): string => readFileSync(join(folder, name), 'utf8');

describe('PROOF.md', () => {
  it('names only files that there are', () => {
    const named = [...proof.matchAll(/`([\w/-]+\.test\.ts)`/g)].map(([, name]) => name!);
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !tests.includes(name))).toEqual([]);
  });

  it('names each regression where a test has it in its title', () => {
    const rows = [...proof.matchAll(/^\| ([a-z]+(?:-[a-z]+)+) \| `(.+)` \|$/gm)];
    expect(rows).toHaveLength(16);
    const missing = rows.filter(([, regression, name]) => !text(name!).includes(regression!));
    expect(missing.map(([row]) => row)).toEqual([]);
  });

  it('leaves out no invariant that tests do not name', () => {
    const all = tests.map(text).join('\n');
    const numbers = Array.from({ length: 18 }, (_, index) => index + 1);
    const unnamed = numbers.filter((number) => !all.includes(`[I${number}]`));
    expect(unnamed).toEqual([]);
  });
});
