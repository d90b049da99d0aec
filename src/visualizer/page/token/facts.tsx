/** What the log says of the token, as it is written there; and what it looks like as data. */
import { statusOf } from '../../../lease/lease.ts';
import { timeOfDay } from '../format.ts';
import { tokenOut } from '../store/picture.ts';
import { shown } from '../store/store.ts';
import { factsProblem, lookFurther, olderFrom, tokenFacts } from '../store/token-facts.ts';
import { reasonInWords } from '../store/words.ts';
import type { Token } from '../wire.ts';

export function Facts({ token }: { token: Token }) {
  const facts = tokenFacts.value ?? [];
  return (
    <section class="facts" aria-labelledby="facts-title">
      <h3 id="facts-title">Facts</h3>
      {factsProblem.value !== null && <p class="said bad">{factsProblem.value}</p>}
      {facts.length === 0 && factsProblem.value === null && (
        <p class="soft">{tokenFacts.value === null ? 'Reading…' : 'The log has no fact of it.'}</p>
      )}
      <ol class="fact-list">
        {facts.map((fact) => (
          <li key={fact.seq}>
            <details>
              <summary>
                <span class="mono soft">{fact.seq}</span>
                <strong>{fact.type}</strong>
                <span class="cut soft">{reasonInWords(fact.reason)}</span>
                <time class="mono" dateTime={fact.at}>
                  {timeOfDay(fact.at)}
                </time>
              </summary>
              <Data of={fact} name={`Fact ${fact.seq}`} />
            </details>
          </li>
        ))}
      </ol>
      {olderFrom.value !== null && (
        <button type="button" onClick={lookFurther}>
          Older facts
        </button>
      )}
      <details class="as-data">
        <summary>The token as data</summary>
        <Data of={tokenOut(token, statusOf(token))} name="The token as data" />
      </details>
      <p class="soft">After fact {shown.value?.picture.seq}.</p>
    </section>
  );
}

const Data = ({ of, name }: { of: object; name: string }) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: nobody without a pointer could scroll it
  <section class="data" tabIndex={0} aria-label={name}>
    <pre>{JSON.stringify(of, null, 2)}</pre>
  </section>
);
