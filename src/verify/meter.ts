/** How far a check has come, for people: one line that is written over at a terminal, and elsewhere a line now and then. */
import type { Progress } from '../lease/violation.ts';

const everyMs = { terminal: 200, elsewhere: 5000 };
const clearLine = '\r\u001b[K';

export interface Meter {
  progress(progress: Progress): void;
  /** Leaves no half line behind. */
  done(): void;
}

export function meter(stderr: NodeJS.WriteStream, now: () => number): Meter {
  const startedAt = now();
  const pauseMs = stderr.isTTY ? everyMs.terminal : everyMs.elsewhere;
  let saidAt = startedAt;
  let open = false;
  return {
    progress(progress) {
      if (now() - saidAt < pauseMs) return;
      saidAt = now();
      const line = inWords(progress, saidAt - startedAt);
      stderr.write(stderr.isTTY ? clearLine + line : `${line}\n`);
      open = stderr.isTTY;
    },
    done() {
      if (open) stderr.write(clearLine);
      open = false;
    },
  };
}

const count = (number: number): string => Math.round(number).toLocaleString('en');

function inWords({ facts, fromSeq, headSeq, violations }: Progress, elapsedMs: number): string {
  const all = headSeq - fromSeq + 1;
  const part = `${count(facts)} of ${count(all)} facts (${Math.floor((100 * facts) / all)} %)`;
  return `${part}, ${count((facts * 1000) / elapsedMs)} a second, ${count(violations)} violations`;
}
