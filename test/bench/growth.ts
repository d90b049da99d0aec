/** A service whose log is long beside one whose log is new: both in one database server, measured in turns. */
import postgres from 'postgres';
import { writeLongLog } from '../support/long-log.ts';
import { load } from './http-load.ts';
import { type Running, type Settings, startService } from './processes.ts';

const dayMs = 86_400_000;
const minuteMs = 60_000;

export interface GrowthOptions {
  facts: number;
  rounds: number;
  seconds: number;
  print(line: string): void;
}

/** What is asked of both, and how. */
const questions: [name: string, method: 'GET' | 'POST', path: (tokenId: string) => string][] = [
  ['POST /api/tokens/allocate', 'POST', () => '/api/tokens/allocate'],
  ['GET /api/tokens', 'GET', () => '/api/tokens'],
  ['GET /api/tokens/:id', 'GET', (id) => `/api/tokens/${id}`],
  ['GET /api/tokens/:id/history', 'GET', (id) => `/api/tokens/${id}/history`],
  ['GET /api/tokens/:id/events', 'GET', (id) => `/api/tokens/${id}/events`],
  ['GET /api/events, newest page', 'GET', () => '/api/events'],
  ['GET /api/events, oldest page', 'GET', () => '/api/events?order=asc'],
  ['GET /api/events?type=activated', 'GET', () => '/api/events?type=activated'],
];

/** Measures start, answers and memory with a long log beside a new one, then allocations while the long one is pruned. */
export async function growth(serverUrl: string, options: GrowthOptions): Promise<void> {
  const { facts, print } = options;
  const urls = [await anotherDatabase(serverUrl, 'new_log'), await anotherDatabase(serverUrl, 'long_log')];
  for (const url of urls) await (await startService(settingsOf(url))).stop();
  const startedAt = performance.now();
  // Up to ten minutes ago: all of it is old enough to be pruned, and every lease is live.
  const end = Date.now() - 10 * minuteMs;
  await writeLongLog(urls[1]!, facts, end - 30 * dayMs, end);
  print(
    `${facts.toLocaleString('en')} facts written in ${Math.round((performance.now() - startedAt) / 1000)} s`,
  );
  await starts(urls, options);
  const services = await Promise.all(urls.map((url) => startService(settingsOf(url))));
  for (const question of questions) await ask(services, question, options);
  await rareAnswers(services, print);
  print(
    `  ${'resident memory'.padEnd(40)} ${services.map((each) => `${Math.round(each.megabytes())} MB`).join(', ')}`,
  );
  for (const service of services) await service.stop();
  await pruning(urls[1]!, options);
}

/** An hour: held until the measuring is over, as the leases of the long log are. */
const settingsOf = (url: string): Settings => ({ DATABASE_URL: url, TTL_MS: '3600000' });

async function starts(urls: readonly string[], { rounds, print }: GrowthOptions): Promise<void> {
  const times = urls.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [which, url] of urls.entries()) {
      const service = await startService(settingsOf(url));
      times[which]!.push(service.startMs);
      await service.stop();
    }
  }
  compare('start to ready', times, (ms) => `${Math.round(ms)} ms`, print);
}

async function ask(
  services: readonly Running[],
  [name, method, path]: (typeof questions)[number],
  { rounds, seconds, print }: GrowthOptions,
): Promise<void> {
  const rates = services.map((): number[] => []);
  const p99 = services.map((): number[] => []);
  const urls = await Promise.all(services.map(async ({ url }) => url + path(await someToken(url))));
  for (const url of urls) await load(url, method, 1);
  for (let round = 0; round < rounds; round++) {
    for (const [which, url] of urls.entries()) {
      const result = await load(url, method, seconds);
      if (result.failures > 0) throw new Error(`${name}: ${result.failures} requests failed`);
      rates[which]!.push(result.requestsPerSecond);
      p99[which]!.push(result.p99Ms);
    }
  }
  compare(name, rates, (rate) => `${Math.round(rate)}/s`, print);
  compare('  p99', p99, (ms) => `${ms} ms`, print);
}

/** What no index serves: one question each, for they may take long. */
async function rareAnswers(services: readonly Running[], print: GrowthOptions['print']): Promise<void> {
  for (const path of ['/api/events?type=opened', '/api/events?type=expired', '/api/events?user_id=nobody']) {
    const took: string[] = [];
    for (const { url } of services) {
      const askedAt = performance.now();
      const { status } = await fetch(url + path);
      took.push(`${Math.round(performance.now() - askedAt)} ms (${status})`);
    }
    print(`  ${`GET ${path}`.padEnd(40)} ${took.join(', ')}`);
  }
}

/** Allocations while the log is pruned, in turns with a service that keeps all of it. */
async function pruning(url: string, { seconds, print }: GrowthOptions): Promise<void> {
  const rates: number[][] = [[], []];
  const p99: number[][] = [[], []];
  const sql = postgres(url, { max: 1 });
  const kept = async () => Number((await sql`select pruned_seq from pools`)[0]!.pruned_seq);
  let pruned = 0;
  let prunedMs = 0;
  for (let round = 0; round < 3; round++) {
    for (const [which, EVENT_RETENTION] of ['forever', '1m'].entries()) {
      const service = await startService({ ...settingsOf(url), EVENT_RETENTION });
      // Housekeeping begins five seconds after the start.
      await load(`${service.url}/api/tokens/allocate`, 'POST', 6);
      const [before, at] = [await kept(), performance.now()];
      const result = await load(`${service.url}/api/tokens/allocate`, 'POST', 2 * seconds);
      if (which === 1) {
        pruned += (await kept()) - before;
        prunedMs += performance.now() - at;
      }
      rates[which]!.push(result.requestsPerSecond);
      p99[which]!.push(result.p99Ms);
      await service.stop();
    }
  }
  compare('allocate, without and with pruning', rates, (rate) => `${Math.round(rate)}/s`, print);
  compare('  p99', p99, (ms) => `${ms} ms`, print);
  print(`  ${'facts pruned meanwhile'.padEnd(40)} ${Math.round((pruned / prunedMs) * 1000)}/s`);
  const service = await startService({ ...settingsOf(url), EVENT_RETENTION: '1m' });
  await new Promise((resolve) => setTimeout(resolve, 6000));
  const [before, at] = [await kept(), performance.now()];
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  const rate = ((await kept()) - before) / ((performance.now() - at) / 1000);
  print(`  ${'facts pruned with nothing else to do'.padEnd(40)} ${Math.round(rate)}/s`);
  await service.stop();
  await sql.end();
}

function compare(
  name: string,
  [one, other]: readonly (readonly number[])[],
  show: (value: number) => string,
  print: GrowthOptions['print'],
): void {
  const ratio = median(other!.map((value, round) => value / one![round]!));
  print(
    `  ${name.padEnd(40)} ${show(median(one!)).padStart(10)}   ${show(median(other!)).padStart(10)}   ratio ${ratio.toFixed(2)}`,
  );
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

async function someToken(url: string): Promise<string> {
  const { tokens } = (await (await fetch(`${url}/api/tokens?limit=1`)).json()) as {
    tokens: { id: string }[];
  };
  return tokens[0]!.id;
}

async function anotherDatabase(serverUrl: string, name: string): Promise<string> {
  const client = postgres(serverUrl, { max: 1 });
  await client.unsafe(`create database ${name}`);
  await client.end();
  return new URL(`/${name}`, serverUrl).href;
}
