/** Whether the simulation bites: plants each bug in a copy of the source, and says which promise it was seen to break. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bug, bugs, type Edit } from './bugs.ts';
import type { Outcome } from './campaign.ts';

const root = join(import.meta.dirname, '../..');
const searches = {
  memory: ['--seeds', '800', '--steps', '300'],
  pglite: ['--seeds', '40', '--steps', '150', '--pglite'],
};
const minute = 60_000;

/** Whether every bug was found; those whose name has `part` in it, if one is given. Throws where a bug cannot be planted. */
export async function findMutations(say: (what: string) => void, part = ''): Promise<boolean> {
  const unfound: string[] = [];
  for (const bug of bugs.filter(({ name }) => name.includes(part))) {
    const folder = mkdtempSync(join(tmpdir(), 'leasehold-mutation-'));
    try {
      copyTo(folder);
      for (const each of bug.edits) plant(folder, bug, each);
      const found = await search(folder, bug);
      say(`${found === null ? 'NOT FOUND  ' : found.padEnd(26)} ${bug.name}`);
      if (found === null) unfound.push(bug.name);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  say(unfound.length === 0 ? 'every bug was found' : `bugs that were not found: ${unfound.length}`);
  return unfound.length === 0;
}

function copyTo(folder: string): void {
  for (const part of ['src', 'test', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
}

function plant(folder: string, bug: Bug, { file, from, to }: Edit): void {
  const path = join(folder, 'src', file);
  const parts = readFileSync(path, 'utf8').split(from);
  if (parts.length !== 2)
    throw new Error(`'${bug.name}' cannot be planted: ${file} has ${parts.length - 1} times:\n${from}`);
  writeFileSync(path, parts.join(to));
}

/** Which promise was broken after how many steps; null if none was. */
async function search(folder: string, { isSql }: Bug): Promise<string | null> {
  const flags = isSql ? searches.pglite : searches.memory;
  const said = await runIn(folder, ['test/simulation/main.ts', '--json', ...flags]);
  const line = said.split('\n').findLast((each) => each.startsWith('{'));
  // A process that dies without a word has shown its bug too.
  if (line === undefined) return 'the process died';
  const { steps, failure } = JSON.parse(line) as Outcome;
  return failure && `${failure.invariant} after ${steps} steps`;
}

function runIn(folder: string, args: readonly string[]): Promise<string> {
  const tsx = join(root, 'node_modules/.bin/tsx');
  const child = spawn(tsx, args, { cwd: folder, timeout: 5 * minute, stdio: ['ignore', 'pipe', 'ignore'] });
  let said = '';
  child.stdout.on('data', (bytes) => {
    said += bytes;
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => resolve(said));
  });
}
