/** Where no token is chosen: what has happened in the pool lately, in words. */
import { timeOfDay } from '../format.ts';
import { feed } from '../store/feed.ts';
import { nameOf } from '../store/names.ts';
import { choose, connection } from '../store/store.ts';
import { factInWords } from '../store/words.ts';
import type { WireFact } from '../wire.ts';

export function Newest() {
  return (
    <section class="newest" aria-labelledby="newest-title">
      <h3 id="newest-title">Newest facts</h3>
      {feed.value === null && connection.value.kind !== 'no_pool' && <p class="soft">Reading the log…</p>}
      {feed.value?.length === 0 && <p class="soft">Nothing has happened yet.</p>}
      <ol>
        {feed.value?.map((fact) => (
          <Line key={fact.seq} fact={fact} />
        ))}
      </ol>
    </section>
  );
}

function Line({ fact }: { fact: WireFact }) {
  const { seq, type, at, token_id } = fact;
  return (
    <li class={`newest-fact newest-${type}`}>
      <span class="mono soft">{seq}</span>
      {token_id === null ? (
        <span>{factInWords(fact, nameOf)}</span>
      ) : (
        <button type="button" class="newest-words" onClick={() => choose(token_id)}>
          {factInWords(fact, nameOf)}
        </button>
      )}
      <time class="mono soft" dateTime={at}>
        {timeOfDay(at)}
      </time>
    </li>
  );
}
