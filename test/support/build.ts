/** Builds the service once for the run, as `npm start` does, so that tests can start it as its users do. */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectFolder = fileURLToPath(new URL('../..', import.meta.url));

export default function setup(): void {
  if (isFresh()) return;
  try {
    execFileSync('npm', ['run', '--silent', 'build'], { cwd: projectFolder, stdio: 'pipe' });
  } catch (error) {
    throw new Error(`the build failed\n${String((error as { stdout?: Buffer }).stdout)}`);
  }
}

/** Whether the build is younger than every source: another one would pull the files from under a running service. */
function isFresh(): boolean {
  const built = join(projectFolder, 'dist/main.js');
  return existsSync(built) && statSync(built).mtimeMs > newest(join(projectFolder, 'src'));
}

function newest(folder: string): number {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return Math.max(...names.map((name) => statSync(join(folder, name)).mtimeMs));
}
