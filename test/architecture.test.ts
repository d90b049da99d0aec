/** The house as its plan says: imports point down, nothing goes in circles, and one file reads the time. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = join(import.meta.dirname, '..');
const source = join(root, 'src');

/** Each room, and the rooms whose files its own may import; npm packages it alone may use. */
const plan: Record<string, { rooms: string[]; packages: string[] }> = {
  main: {
    rooms: [
      'assembly',
      'config',
      'clock',
      'log',
      'http',
      'service',
      'inspector',
      'verify',
      'journal',
      'cause',
    ],
    packages: [],
  },
  leasehold: { rooms: ['assembly', 'requests', 'config', 'clock', 'http', 'lease', 'log'], packages: [] },
  requests: { rooms: ['clock'], packages: [] },
  assembly: {
    rooms: [
      ...['config', 'clock', 'simulated-clock', 'log', 'metrics', 'http', 'service', 'journal', 'lease'],
      'visualizer',
      'random',
    ],
    packages: ['hono'],
  },
  http: {
    rooms: ['service', 'declared', 'lease', 'metrics', 'log', 'clock', 'random'],
    packages: ['hono', '@hono', 'zod', '@asteasolutions'],
  },
  visualizer: {
    rooms: ['http', 'pool', 'token', 'lease', 'clock'],
    packages: ['hono', 'preact', '@preact', 'uplot', 'elkjs', 'esbuild', 'xstate'],
  },
  inspector: { rooms: ['pool'], packages: ['xstate', '@statelyai'] },
  verify: { rooms: ['journal', 'lease'], packages: [] },
  service: {
    rooms: ['pool', 'verify', 'journal', 'lease', 'clock', 'simulated-clock', 'random'],
    packages: [],
  },
  pool: { rooms: ['token', 'lease', 'clock'], packages: ['xstate'] },
  token: { rooms: ['lease'], packages: ['xstate'] },
  journal: {
    rooms: ['lease', 'cause'],
    packages: ['drizzle-orm', '@electric-sql', 'postgres', 'fs-native-extensions'],
  },
  metrics: { rooms: ['lease'], packages: ['prom-client'] },
  log: { rooms: ['cause'], packages: ['pino'] },
  cause: { rooms: [], packages: [] },
  config: { rooms: ['declared'], packages: ['zod'] },
  declared: { rooms: ['lease'], packages: ['zod', 'yaml'] },
  clock: { rooms: [], packages: [] },
  'simulated-clock': { rooms: ['clock'], packages: [] },
  random: { rooms: [], packages: [] },
  lease: { rooms: [], packages: [] },
};

const files = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !name.endsWith('.d.ts'))
  .sort();

const roomOf = (file: string): string => file.split('/')[0]!.replace(/\.tsx?$/, '');

/** What a file imports: files as paths below src, packages by name. */
function importsOf(file: string): { files: string[]; packages: string[] } {
  const text = readFileSync(join(source, file), 'utf8');
  const named = [
    ...text.matchAll(
      /(?:^|\n)(?:import|export)\s[^;]*?from\s+'([^']+)'|import\('([^']+)'\)|^import '([^']+)'/g,
    ),
  ];
  const targets = named.map((match) => (match[1] ?? match[2] ?? match[3])!);
  return {
    files: targets.filter((name) => name.startsWith('.')).map((name) => normalize(join(dirname(file), name))),
    packages: targets.filter((name) => !name.startsWith('.') && !name.startsWith('node:')),
  };
}

describe('the house', () => {
  it('has only the rooms of the plan', () => {
    expect(new Set(files.map(roomOf))).toEqual(new Set(Object.keys(plan)));
    const banned = /(^|\/)(utils?|helpers?|common|types|index)(\.tsx?|\/)/;
    expect(files.filter((file) => banned.test(file))).toEqual([]);
  });

  it('has imports that point down, from room to room as planned', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .files.filter(
          (target) => roomOf(target) !== roomOf(file) && !plan[roomOf(file)]!.rooms.includes(roomOf(target)),
        )
        .map((target) => `${file} → ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps each package in the rooms that need it', () => {
    const wrong = files.flatMap((file) =>
      importsOf(file)
        .packages.filter(
          (name) => !plan[roomOf(file)]!.packages.some((own) => name === own || name.startsWith(`${own}/`)),
        )
        .map((name) => `${file} → ${name}`),
    );
    expect(wrong).toEqual([]);
  });

  it('has no circles', () => {
    const below = new Map(files.map((file) => [file, importsOf(file).files]));
    const circles: string[] = [];
    const walked = new Set<string>();
    const walk = (file: string, trail: string[]): void => {
      if (trail.includes(file)) circles.push([...trail.slice(trail.indexOf(file)), file].join(' → '));
      // Whatever there is below one has been found the first time.
      if (walked.has(file)) return;
      walked.add(file);
      for (const next of below.get(file) ?? []) walk(next, [...trail, file]);
    };
    for (const file of files) walk(file, []);
    expect(circles).toEqual([]);
  });

  it('reads the time in clock.ts and draws chance in random.ts, and nowhere else', () => {
    const time = /\bDate\.now\b|new Date\(\)|\bperformance\.now\b|process\.hrtime/;
    const chance = /Math\.random|randomUUID|randomBytes/;
    const reading = (pattern: RegExp) =>
      files.filter((file) => pattern.test(readFileSync(join(source, file), 'utf8')));
    expect(reading(time)).toEqual(['clock.ts']);
    expect(reading(chance)).toEqual(['random.ts']);
  });

  it('has files of one purpose: none above 250 lines, half of them below 120', () => {
    const lines = files.map(
      (file) => [readFileSync(join(source, file), 'utf8').split('\n').length, file] as const,
    );
    expect(lines.filter(([count]) => count > 250)).toEqual([]);
    const sorted = lines.map(([count]) => count).sort((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThan(120);
  });

  it('opens each file with what it owns', () => {
    // The one that is run as a command says first what runs it.
    const silent = files.filter((file) => !/^(#!.*\n)?\/\*\*/.test(readFileSync(join(source, file), 'utf8')));
    expect(silent.map((file) => relative(source, join(source, file)))).toEqual([]);
  });
});
