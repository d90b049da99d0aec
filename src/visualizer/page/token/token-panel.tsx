/** The token that is chosen: what it is in, what it can take, and how it came there. */
import { statusOf } from '../../../lease/lease.ts';
import { countdown, dateAndTime, duration, labelsText, shortId } from '../format.ts';
import { Copy } from '../shell/copy.tsx';
import { lookAtTiles } from '../shell/into-view.ts';
import { timeLeft } from '../store/arrangement.ts';
import { evictedNext, options } from '../store/drawn.ts';
import { choose, chosenToken, serviceNow, shown } from '../store/store.ts';
import { tick } from '../store/ticking.ts';
import { statusWords } from '../store/words.ts';
import type { Token } from '../wire.ts';
import { Acts } from './acts.tsx';
import { Facts } from './facts.tsx';
import { Newest } from './newest.tsx';
import { Past } from './past.tsx';

export function TokenPanel() {
  const id = chosenToken.value;
  const token = id === null ? undefined : shown.value?.picture.tokens.get(id);
  return (
    <section class="token-panel" aria-labelledby="token-title">
      {token === undefined ? (
        <Nobody id={id} />
      ) : (
        <>
          <Title token={token} />
          <State token={token} />
          <Acts token={token} />
          <Past tokenId={token.tokenId} />
          <Facts token={token} />
        </>
      )}
    </section>
  );
}

function Nobody({ id }: { id: string | null }) {
  return (
    <>
      <h2 id="token-title">Token</h2>
      <p class="soft">
        {id === null || shown.value === null
          ? 'Choose a tile to see who holds it, what it can take, and how it came there.'
          : `There is no token ${shortId(id)} in the pool at this moment.`}
      </p>
      <Newest />
    </>
  );
}

function Title({ token: { tokenId, name, labels } }: { token: Token }) {
  return (
    <header class="token-title">
      <h2 id="token-title">{name ?? `Token ${shortId(tokenId)}`}</h2>
      <button
        type="button"
        class="quiet"
        aria-label="Close the token"
        onClick={() => {
          choose(null);
          lookAtTiles();
        }}
      >
        ×
      </button>
      <p class="token-id">
        <code>{tokenId}</code>
        <Copy class="quiet" label="copy" name="Copy the id of the token" text={() => tokenId} />
      </p>
      {Object.keys(labels).length > 0 && <p class="soft">{labelsText(labels)}</p>}
    </header>
  );
}

function State({ token }: { token: Token }) {
  tick.value;
  const { lease, withdrawn } = token;
  const now = serviceNow();
  const status = statusOf(token);
  const left = timeLeft(token, options.value, now);
  const place = evictedNext.value.indexOf(token.tokenId) + 1;
  return (
    <div class={`state state-${status}`}>
      <p class="state-now">
        <span class={`dot ${status}`} aria-hidden="true" />
        <strong>{statusWords[status]}</strong>
        {left && <span class="state-left mono">{countdown(left.remainingMs)}</span>}
      </p>
      <div class="meter" aria-hidden="true">
        <span
          style={{
            width: `${left ? Math.min(100, (100 * left.remainingMs) / Math.max(1, left.wholeMs)) : 0}%`,
          }}
        />
      </div>
      <dl class="token-details">
        <Detail name="Held by" value={lease?.userId ?? 'nobody'} />
        <Detail name="Fence" value={lease ? String(lease.fence) : '–'} />
        <Detail
          name="Since"
          value={
            lease
              ? `${dateAndTime(lease.activatedAt)} (${duration(Math.max(0, now - lease.activatedAt))})`
              : '–'
          }
        />
        <Detail name="Deadline" value={lease ? dateAndTime(lease.expiresAt) : '–'} />
        {place > 0 && (
          <Detail
            name="Eviction"
            value={place === 1 ? 'next: no token is free' : `number ${place} in the order`}
          />
        )}
        {withdrawn && <Detail name="Maintenance" value={withdrawn.note ?? 'no note'} />}
      </dl>
    </div>
  );
}

const Detail = ({ name, value }: { name: string; value: string }) => (
  <div>
    <dt>{name}</dt>
    <dd>{value}</dd>
  </div>
);
