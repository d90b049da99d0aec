/**
 * Drives an audit over a log that goes on being written: what there was at one moment, read in portions, with no
 * transaction that would outlast one of them. Others have their turn in between.
 */
import type { AuditedFact, AuditedLog, Standing } from '../journal/audited.ts';
import type { Progress, Verification } from '../lease/violation.ts';
import { Audit } from './audit.ts';
import { Report } from './report.ts';

export interface Task {
  /** Ends the check, which then rejects. */
  signal?: AbortSignal | undefined;
  /** Told after each portion. */
  progress?: ((progress: Progress) => void) | undefined;
  /** How many are read at a time; while an embedded database reads them, its process does nothing else. */
  portionFacts?: number;
}

/** There is nothing to check: the pool has never been opened. */
export class NeverOpened extends Error {}

const portionFactsDefault = 5000;
/** How many are checked in one go: a few milliseconds, in which nothing else is done. */
const goFacts = 500;
const attemptsMax = 5;
/** Of violations that are told in full. */
const listedMax = 100;

/** Rejects with `NeverOpened`, with the signal's reason, or with what the database says. */
export async function verifyLog(log: AuditedLog, task: Task = {}): Promise<Verification> {
  let standing = await log.standing();
  for (let attempt = 1; attempt <= attemptsMax; attempt++) {
    if (isOfNothing(standing))
      throw new NeverOpened('the pool has never been opened here: there is no log to check');
    const report = new Report(listedMax);
    const audit = new Audit(standing, report);
    const overtaking = await readAll(log, standing, audit, report, task);
    if (overtaking === null) return verification(standing, audit, report);
    standing = overtaking;
  }
  throw new Error('facts are pruned faster than they can be read');
}

const isOfNothing = ({ pool, headSeq, tokens, prunedTokens }: Standing): boolean =>
  pool === null && headSeq === null && tokens.length + prunedTokens.length === 0;

/** Gives the audit every fact. Where pruning has overtaken it, gives the standing to begin anew from instead. */
async function readAll(
  log: AuditedLog,
  standing: Standing,
  audit: Audit,
  report: Report,
  { signal, progress, portionFacts = portionFactsDefault }: Task,
): Promise<Standing | null> {
  const headSeq = standing.headSeq ?? 0;
  const fromSeq = audit.expectedSeq;
  const read = (afterSeq: number | null) => {
    const portion = log.portion(afterSeq, headSeq, portionFacts);
    // It is read ahead: if it fails while the one before is checked, that is heard when its turn comes.
    portion.catch(() => {});
    return portion;
  };
  for (let reading: Promise<AuditedFact[]> | null = read(null); reading !== null; ) {
    const portion: AuditedFact[] = await reading;
    signal?.throwIfAborted();
    const isPruned = (portion[0]?.seq ?? headSeq + 1) > audit.expectedSeq;
    if (isPruned) {
      const now = await log.standing();
      if ((now.pool?.prunedSeq ?? 0) >= audit.expectedSeq) return now;
    }
    const last = portion.at(-1)?.seq ?? headSeq;
    reading = last < headSeq ? read(last) : null;
    for (let from = 0; from < portion.length; from += goFacts) {
      const end = Math.min(from + goFacts, portion.length);
      for (let index = from; index < end; index++) audit.next(portion[index]!);
      await new Promise<void>((resolve) => setImmediate(resolve));
      signal?.throwIfAborted();
    }
    progress?.({ facts: audit.facts, fromSeq, headSeq, violations: report.total });
  }
  return null;
}

function verification(standing: Standing, audit: Audit, report: Report): Verification {
  const prunedSeq = standing.pool?.prunedSeq ?? 0;
  audit.end();
  return {
    sound: report.total === 0,
    facts: audit.facts,
    tokens: standing.tokens.length,
    fromSeq: prunedSeq + 1,
    headSeq: standing.headSeq ?? prunedSeq,
    violations: report.violations,
    violationsTotal: report.total,
  };
}
