/** The tokens of the pool, as tiles or as a list, and what is said where there are none. */
import { said } from '../store/allocate.ts';
import type { Connection } from '../store/connection.ts';
import { asList, drawn, evictedNext, look } from '../store/drawn.ts';
import { connection, isPast, shown } from '../store/store.ts';
import { TokenList } from '../tiles/list.tsx';
import { Tiles } from '../tiles/tiles.tsx';
import { Toolbar } from './toolbar.tsx';

export function Tokens() {
  return (
    <section class="tokens" aria-labelledby="tokens-title">
      <h2 id="tokens-title" class="unseen">
        Tokens
      </h2>
      <Toolbar />
      <div class="stage">
        {asList.value ? <TokenList /> : <Tiles />}
        <Nothing />
      </div>
      <div class="key">
        <p aria-hidden="true">
          <span class="key-ring" /> time left
          {evictedNext.value.length > 0 && (
            <>
              <span class={look.value === 'bar' ? 'key-outline' : 'key-badge'}>
                {look.value !== 'bar' && 1}
              </span>{' '}
              evicted next
            </>
          )}
        </p>
        <p class={`said${said.value?.isBad ? ' bad' : ''}`} role="status" aria-label="What became of it">
          {said.value?.words}
        </p>
      </div>
    </section>
  );
}

const unknownWords: Partial<Record<Connection['kind'], string>> = {
  connecting: 'Reading the pool…',
  no_pool: 'There is no pool of this name.',
};

function Nothing() {
  if (drawn.value.length > 0) return null;
  const words =
    shown.value === null
      ? (unknownWords[connection.value.kind] ?? 'Nothing is known of the pool yet.')
      : isPast.value
        ? 'The pool had no tokens then.'
        : connection.value.kind === 'no_pool'
          ? 'The pool is no more.'
          : 'The pool has no tokens yet: add one, and it stays until nobody wants it any more.';
  return <p class="nothing">{words}</p>;
}
