/** `leasehold verify`: what it takes, what it says while it checks, and how it ends. */
import { openToRead } from '../journal/reading.ts';
import { type Verification, verificationOut } from '../lease/violation.ts';
import { meter } from './meter.ts';
import { verifyLog } from './verify-log.ts';

export interface Surroundings {
  /** Throws where a variable is wrong. */
  config(): { databaseUrl: string | undefined; dataDir: string };
  pool: string;
  version: string;
  /** Elapsed time, for measuring only. */
  now(): number;
  stdout: NodeJS.WriteStream;
  stderr: NodeJS.WriteStream;
}

const usage = `usage: leasehold            serves the pool
       leasehold verify     checks the event log and the tokens against every invariant
                 --json     says what it found as JSON
       leasehold --help | --version

All of them go by the environment (DATABASE_URL or DATA_DIR, see README).
verify ends with 0 where all is sound, 1 where it is not, and 2 where it could not be checked.
`;

const sound = 0;
const notSound = 1;
const notChecked = 2;

/** Does what the arguments say. The exit code. */
export async function runCommand(args: readonly string[], around: Surroundings): Promise<number> {
  const [command, ...options] = args;
  if (command === 'verify' && options.every((option) => option === '--json')) {
    return verify(options.length > 0, around);
  }
  if (/^(verify )?(--help|-h)$/.test(args.join(' '))) {
    around.stdout.write(usage);
    return 0;
  }
  if (args.length === 1 && command === '--version') {
    around.stdout.write(`${around.version}\n`);
    return 0;
  }
  around.stderr.write(`leasehold: does not know '${args.join(' ')}'\n${usage}`);
  return notChecked;
}

async function verify(asJson: boolean, around: Surroundings): Promise<number> {
  const { pool, now, stdout, stderr } = around;
  const startedAt = now();
  const { progress, done } = meter(stderr, now);
  try {
    const log = await openToRead(around.config(), pool);
    try {
      const found = await verifyLog(log, { progress });
      done();
      const elapsedMs = now() - startedAt;
      stdout.write(
        asJson
          ? `${JSON.stringify(verificationOut(found, elapsedMs), null, 2)}\n`
          : inWords(found, log.name, elapsedMs),
      );
      return found.sound ? sound : notSound;
    } finally {
      await log.close();
    }
  } catch (error) {
    done();
    const message = error instanceof Error ? error.message : String(error);
    if (asJson) stdout.write(`${JSON.stringify({ error: message }, null, 2)}\n`);
    stderr.write(`leasehold: ${message}\n`);
    return notChecked;
  }
}

const count = (number: number): string => number.toLocaleString('en');

function inWords(found: Verification, name: string, elapsedMs: number): string {
  const { facts, tokens, fromSeq, headSeq, violations, violationsTotal } = found;
  const what =
    `${count(facts)} facts (${count(fromSeq)} to ${count(headSeq)}) and ${count(tokens)} tokens ` +
    `in ${name}, in ${(elapsedMs / 1000).toFixed(1)} s`;
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
