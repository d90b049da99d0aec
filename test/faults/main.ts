/**
 * Random faults for long, from a seed that is printed, with every invariant judged afterwards. Exits with 1 on a violation.
 *   npm run faults -- --minutes 10 [--seed S] [--database postgres|pglite] [--processes K] [--rate calls a second]
 *   npm run faults -- --kills 50          how long a failover takes, half of them by kill -9 and half by SIGSTOP
 *   npm run faults -- --minutes 60 --no-faults --rate 50      load alone: does memory grow?
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Where } from '../support/databases.ts';
import { atEnd, endAll } from '../support/lifetime.ts';
import { type PostgresServer, startPostgres } from '../support/postgres-server.ts';
import { pause } from '../support/process.ts';
import type { Lateness } from './check-time.ts';
import { WallClock } from './clocks.ts';
import { type Bereavement, failoverTimes, measureFailovers } from './failover.ts';
import type { Call } from './history.ts';
import { everywhere, onPostgres, type Scene } from './injections.ts';
import { clientPool, linePool } from './line.ts';
import { MemoryWatch } from './memory.ts';
import { spread, tally } from './numbers.ts';
import { Trial } from './trial.ts';

const { values: asked } = parseArgs({
  options: {
    minutes: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    database: { type: 'string', default: 'postgres' },
    processes: { type: 'string' },
    rate: { type: 'string', default: '100' },
    kills: { type: 'string' },
    'no-faults': { type: 'boolean', default: false },
  },
});

const users = 10;
const print = (name: string, what: string | number): void =>
  void process.stdout.write(`  ${name.padEnd(14)} ${what}\n`);

const isEmbedded = asked.database === 'pglite';
const processes = isEmbedded ? 1 : Number(asked.processes ?? (asked['no-faults'] ? 1 : 3));
const faults = isEmbedded ? everywhere : onPostgres;

async function place(): Promise<{ where: Where; server: PostgresServer | null }> {
  if (!isEmbedded) {
    const server = await startPostgres();
    atEnd(() => server.stop());
    return { where: { databaseUrl: server.url, dataDir: '' }, server };
  }
  const dataDir = mkdtempSync(join(tmpdir(), 'leasehold-faults-'));
  atEnd(() => rmSync(dataDir, { recursive: true, force: true }));
  return { where: { dataDir }, server: null };
}

async function run(): Promise<number> {
  const seed = Number(asked.seed);
  print('seed', seed);
  const { where, server } = await place();
  const clocks = Array.from({ length: processes }, () => new WallClock());
  const own = clocks.map(({ env }) => env);
  const pauseMs = (users * 1000) / Number(asked.rate);
  const isGentle = asked['no-faults'];
  const trial = await Trial.begin({ where, processes, seed, users, pauseMs, isGentle, own });
  const memory = new MemoryWatch(trial.cluster, 10_000);
  const bereavements: Bereavement[] = [];
  const scene: Scene = {
    cluster: trial.cluster,
    random: trial.random,
    server,
    clocks: new Map(trial.cluster.processes.map((member, index) => [member, clocks[index]!])),
    bereaved: ({ name }) => void bereavements.push({ at: performance.now(), victim: name }),
  };
  if (asked.kills !== undefined) {
    const times = await measureFailovers(trial, Number(asked.kills));
    print('after kill -9', spread(times.killed));
    print('after SIGSTOP', spread(times.stopped));
  } else if (isGentle) await pause(Number(asked.minutes) * 60_000);
  else print('injected', tally(await injectFor(Number(asked.minutes) * 60_000, trial, scene)));
  const seen = memory.end();
  const { violations, lateness } = await trial.verdict();
  summarize(trial, lateness);
  if (bereavements.length > 0) print('failover', spread(failoverTimes(trial.calls, bereavements)));
  print('memory', seen);
  print('violations', violations.length);
  for (const violation of violations.slice(0, 20)) process.stdout.write(`    ${violation}\n`);
  return violations.length;
}

/** Does one thing after the other, and gives their names. */
async function injectFor(durationMs: number, trial: Trial, scene: Scene): Promise<string[]> {
  const injected: string[] = [];
  const end = performance.now() + durationMs;
  while (performance.now() < end) {
    const name = scene.random.of(Object.keys(faults));
    injected.push(name);
    await faults[name]!(scene);
    await trial.goesOn(scene.random.between(5, 60));
    for (const member of trial.noteCrashes())
      await (await member.start(scene.clocks.get(member)!.env)).ready();
  }
  return injected;
}

function summarize(trial: Trial, { served, whileDown }: Lateness): void {
  const answers = (calls: readonly Call[]) =>
    tally(calls.map(({ answer }) => (answer ? String(answer.error ?? answer.status) : 'none')));
  const { calls } = trial;
  print('calls', calls.length);
  print('answers', answers(calls));
  for (const pool of [linePool, clientPool] as const) print(pool, answers(trial.callsOf(pool)));
  print('replayed', calls.filter(({ answer }) => answer?.replayed).length);
  print('lateness', spread(served));
  print('while down', spread(whileDown));
}

let violations = 1;
try {
  violations = await run();
} finally {
  await endAll();
}
process.exit(violations > 0 ? 1 : 0);
