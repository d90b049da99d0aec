/** `leasehold verify`: what it takes, what it says while it checks, and how it ends. */
import { openToRead, type Reading } from '../journal/reading.ts';
import { type Verification, verificationOut } from '../lease/violation.ts';
import { type Meter, meter } from './meter.ts';
import { NeverOpened, verifyLog } from './verify-log.ts';

export interface Surroundings {
  /** Throws where a variable is wrong. */
  config(): { databaseUrl: string | undefined; dataDir: string };
  version: string;
  /** Elapsed time, for measuring only. */
  now(): number;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

const usage = `usage: leasehold            serves the pools
       leasehold verify     checks the event logs and the tokens of all pools against every invariant
           --pool NAME      of this one alone
           --json           says what it found as JSON
       leasehold --help | --version

All of them go by the environment (DATABASE_URL or DATA_DIR, see README).
verify ends with 0 where all is sound, 1 where it is not, and 2 where it could not be checked.
`;

const sound = 0;
const notSound = 1;
const notChecked = 2;

/** Does what the arguments say. The exit code. */
export async function runCommand(args: readonly string[], around: Surroundings): Promise<number> {
  const asked = args[0] === 'verify' ? askedOf(args.slice(1)) : null;
  if (asked !== null) return verify(asked, around);
  if (/^(verify )?(--help|-h)$/.test(args.join(' '))) {
    around.stdout.write(usage);
    return 0;
  }
  if (args.length === 1 && args[0] === '--version') {
    around.stdout.write(`${around.version}\n`);
    return 0;
  }
  around.stderr.write(`leasehold: does not know '${args.join(' ')}'\n${usage}`);
  return notChecked;
}

interface Asked {
  /** Of all, where none is named. */
  pool: string | undefined;
  asJson: boolean;
}

/** null: it is not understood. */
function askedOf(options: readonly string[]): Asked | null {
  const asked: Asked = { pool: undefined, asJson: false };
  for (let place = 0; place < options.length; place++) {
    const option = options[place]!;
    if (option === '--json') asked.asJson = true;
    else if (option === '--pool' && options[place + 1]) asked.pool = options[++place];
    else return null;
  }
  return asked;
}

interface Found extends Verification {
  pool: string;
  elapsedMs: number;
}

async function verify({ pool, asJson }: Asked, around: Surroundings): Promise<number> {
  const { now, stdout, stderr } = around;
  const show = meter(stderr, now);
  try {
    const log = await openToRead(around.config());
    try {
      const found = await verifyPools(log, pool === undefined ? await log.pools() : [pool], show, now);
      show.done();
      stdout.write(asJson ? `${JSON.stringify(allOut(found), null, 2)}\n` : allInWords(found, log.name));
      return found.every(({ sound }) => sound) ? sound : notSound;
    } finally {
      await log.close();
    }
  } catch (error) {
    show.done();
    const message = error instanceof Error ? error.message : String(error);
    if (asJson) stdout.write(`${JSON.stringify({ error: message }, null, 2)}\n`);
    stderr.write(`leasehold: ${message}\n`);
    return notChecked;
  }
}

/** One after the other: what is known of one is forgotten before the next. */
async function verifyPools(
  log: Reading,
  pools: readonly string[],
  { progress }: Meter,
  now: () => number,
): Promise<Found[]> {
  if (pools.length === 0)
    throw new NeverOpened('no pool has ever been opened here: there is no log to check');
  const found: Found[] = [];
  for (const pool of pools) {
    const startedAt = now();
    const verification = await verifyLog(log.log(pool), { progress });
    found.push({ pool, ...verification, elapsedMs: now() - startedAt });
  }
  return found;
}

const allOut = (found: readonly Found[]) => ({
  sound: found.every(({ sound }) => sound),
  pools: found.map(({ pool, elapsedMs, ...verification }) => ({
    pool,
    ...verificationOut(verification, elapsedMs),
  })),
});

/** Those that are sound in one line each only where there are few. */
const listedMax = 10;

function allInWords(found: readonly Found[], name: string): string {
  const sounds = found.filter(({ sound }) => sound);
  const told = found.length <= listedMax ? found : found.filter(({ sound }) => !sound);
  const lines = told.map((each) => inWords(each, name, each.elapsedMs));
  if (told.length < found.length)
    lines.push(`sound: ${count(sounds.length)} pools of ${count(found.length)} in ${name}\n`);
  return lines.join('');
}

const count = (number: number): string => number.toLocaleString('en');

function inWords(found: Found, name: string, elapsedMs: number): string {
  const { facts, tokens, fromSeq, headSeq, violations, violationsTotal } = found;
  const what =
    `${count(facts)} facts (${count(fromSeq)} to ${count(headSeq)}) and ${count(tokens)} tokens ` +
    `of pool '${found.pool}' in ${name}, in ${(elapsedMs / 1000).toFixed(1)} s`;
  if (found.sound) return `sound: ${what}\n`;
  const lines = violations.map(({ invariant, seq, tokenId, message }) => {
    const place = [seq === null ? null : `fact ${seq}`, tokenId && `token ${tokenId}`].filter(Boolean);
    return `  ${invariant.padEnd(3)}  ${[...place, message].join(': ')}`;
  });
  const more = violationsTotal - violations.length;
  if (more > 0) lines.push(`  and ${count(more)} more`);
  const howMany = violationsTotal === 1 ? '1 violation' : `${count(violationsTotal)} violations`;
  return `NOT sound: ${howMany} in ${what} (src/SPEC.md has the invariants)\n${lines.join('\n')}\n`;
}
