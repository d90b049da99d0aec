/** The machines with their named actions carried out, by whoever runs them. */
import type { Change } from '../lease/command.ts';
import type { MachineRefusalCode } from '../lease/refusal.ts';
import type { Saying } from '../token/saying.ts';
import type { TokenContext } from '../token/token.ts';
import { tokenMachine } from '../token/token-machine.ts';
import type { Answer } from './pool-host.ts';
import { poolMachine } from './pool-machine.ts';
import { heldToken } from './pool-view.ts';

interface Hands {
  record(context: TokenContext, saying: Saying): void;
  recordChange(change: Change): void;
  /** Adds to what the command under way is answered. */
  answer(part: Partial<Answer>): void;
  /** Who waits for this lease does so in vain. */
  dismiss(leaseId: string, code: MachineRefusalCode): void;
}

export function carriedOut(hands: Hands) {
  const refuse = (_: unknown, { code }: { code: MachineRefusalCode }) => hands.answer({ refusal: code });
  const token = tokenMachine.provide({
    actions: { record: ({ context }, saying) => hands.record(context, saying), refuse },
  });
  return poolMachine.provide({
    actors: { token },
    actions: {
      refuse,
      showHeld: ({ context }, { leaseId }) => hands.answer({ held: heldToken(context, leaseId)! }),
      keepWaiting: () => hands.answer({ waits: true }),
      recordChange: (_, change) => hands.recordChange(change),
      dismissAll: ({ context }, { code }) => {
        for (const { leaseIds } of context.line) hands.dismiss(leaseIds[0]!, code);
      },
    },
  });
}
