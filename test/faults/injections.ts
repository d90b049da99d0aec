/** What a long run does to a cluster, one thing at a time, and mends again before it returns. */
import postgres from 'postgres';
import type { PostgresServer } from '../support/postgres-server.ts';
import { pause } from '../support/process.ts';
import { hourMs, type WallClock } from './clocks.ts';
import type { Cluster, Member } from './cluster.ts';
import type { Random } from './random.ts';

export interface Scene {
  cluster: Cluster;
  random: Random;
  /** null where the database is embedded. */
  server: PostgresServer | null;
  clocks: ReadonlyMap<Member, WallClock>;
  /** Notes that the serving process has been stopped from serving at this moment. */
  bereaved(victim: Member): void;
}

type Injection = (scene: Scene) => Promise<void>;

/** Their names are what the summary counts. */
export const everywhere: Record<string, Injection> = {
  async kill(scene) {
    const victim = await victimOf(scene);
    await victim.end('SIGKILL');
    await pause(scene.random.between(0, 500));
    await startAgain(victim, scene);
  },
  async stop(scene) {
    const victim = await victimOf(scene);
    await victim.end('SIGTERM');
    await startAgain(victim, scene);
  },
  async pause(scene) {
    const victim = await victimOf(scene);
    victim.service.signal('SIGSTOP');
    await pause(scene.random.between(100, 4000));
    victim.service.signal('SIGCONT');
  },
  async clockStep({ cluster, random, clocks, server }) {
    const member = random.of(cluster.processes);
    clocks.get(member)!.step(random.of([-hourMs, 0, hourMs]), member);
    await pause(200);
    // An embedded database has no other clock to begin by when its process is started again: that is a known limit.
    if (server === null) clocks.get(member)!.step(0, member);
  },
};

export const onPostgres: Record<string, Injection> = {
  ...everywhere,
  async roll(scene) {
    for (const member of scene.cluster.processes) {
      await member.end('SIGTERM');
      await startAgain(member, scene);
    }
  },
  async cut({ cluster, random }) {
    for (let times = random.between(1, 5); times > 0; times--) {
      random.of(cluster.processes).cable!.cutOnce();
      await pause(random.between(0, 300));
    }
  },
  async cutAtAnswer({ cluster, random }) {
    const { cable } = await cluster.serving();
    const fact = random.of(['activated', 'renewed', 'released', 'expired']);
    await Promise.race([cable!.cutAtAnswerTo(`"${fact}"`), pause(2000)]);
  },
  async delay({ cluster, random }) {
    const { cable } = random.of(cluster.processes);
    cable!.delay(random.between(5, 80));
    await pause(random.between(500, 3000));
    cable!.delay(0);
  },
  async killDatabase({ server, random }) {
    await server!.kill();
    await pause(random.between(0, 2000));
    await server!.resume();
  },
  async readOnly({ server, random }) {
    await setReadOnly(server!.url, 'on');
    await pause(random.between(100, 2000));
    await setReadOnly(server!.url, 'off');
  },
};

/** Mostly the one that serves, for there is most to be lost. */
async function victimOf({ cluster, random, bereaved }: Scene): Promise<Member> {
  const serving = await cluster.serving();
  if (random.happens(0.3)) return random.of(cluster.processes);
  bereaved(serving);
  return serving;
}

async function startAgain(member: Member, { clocks }: Scene): Promise<void> {
  await (await member.start(clocks.get(member)?.env)).ready();
}

export async function setReadOnly(url: string, value: 'on' | 'off'): Promise<void> {
  const client = postgres(url, { max: 1 });
  try {
    await client.unsafe(`alter system set default_transaction_read_only = ${value}`);
    await client`select pg_reload_conf()`;
  } finally {
    await client.end();
  }
}
