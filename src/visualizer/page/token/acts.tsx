/** What the token can take now, over REST; and what kept it, where it was refused. */
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { type Act, act } from '../store/allocate.ts';
import { canAct, isPast } from '../store/store.ts';
import type { Token } from '../wire.ts';

const acts: { act: Act; name: string; fits: (token: Token) => boolean }[] = [
  {
    act: 'keep-alive',
    name: 'Keep alive',
    fits: ({ lease, withdrawn }) => lease !== null && withdrawn === null,
  },
  { act: 'release', name: 'Release', fits: ({ lease }) => lease !== null },
  { act: 'withdraw', name: 'Withdraw', fits: ({ withdrawn }) => withdrawn === null },
  { act: 'restore', name: 'Restore', fits: ({ withdrawn }) => withdrawn !== null },
];

export function Acts({ token }: { token: Token }) {
  const refusal = useSignal<string | null>(null);
  const isUnderWay = useSignal(false);
  useEffect(() => {
    refusal.value = null;
    // With each fact of it another object: what kept it before may be no more.
  }, [token]);
  const doIt = async (what: Act) => {
    isUnderWay.value = true;
    refusal.value = await act(token.tokenId, what);
    isUnderWay.value = false;
  };
  return (
    <div class="acts">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset looks and reads like a form */}
      <div class="acts-row" role="group" aria-label="What the token can take">
        {acts.map(({ act: what, name, fits }) => (
          <button
            key={what}
            type="button"
            disabled={!canAct.value || isUnderWay.value || !fits(token)}
            onClick={() => void doIt(what)}
          >
            {name}
          </button>
        ))}
      </div>
      <p class="said bad" role="status" aria-label="Refusal">
        {isPast.value ? '' : refusal.value}
      </p>
    </div>
  );
}
