/** The head of the page: which pool, how it is connected, what it counts, and how somebody likes the page. */
import type { Signal } from '@preact/signals';
import type { Status } from '../../../lease/lease.ts';
import { dateAndTime, number } from '../format.ts';
import { wordsOf } from '../store/connection.ts';
import { counts } from '../store/drawn.ts';
import { motion, motions, theme, themes } from '../store/settings.ts';
import {
  choosePool,
  clockKind,
  connection,
  isPast,
  poolName,
  pools,
  queue,
  serviceNow,
  shown,
} from '../store/store.ts';
import { tick } from '../store/ticking.ts';
import { statusWords } from '../store/words.ts';

export function Header() {
  return (
    <header class="page-head">
      <h1 class="brand">
        <svg viewBox="0 0 20 20" width="22" height="22" aria-hidden="true">
          <circle class="brand-back" cx="10" cy="10" r="7.5" />
          <path class="brand-ring" d="M10 2.5a7.5 7.5 0 1 1-7.1 5.1" />
        </svg>
        Leasehold
      </h1>
      <PoolChoice />
      <Badge />
      <Counts />
      <Clock />
      <div class="likings">
        <Choice label="Theme" of={theme} among={themes} />
        <Choice label="Motion" of={motion} among={motions} />
        <a href="/docs">Docs</a>
      </div>
    </header>
  );
}

function PoolChoice() {
  const names = pools.value.map(({ name }) => name);
  const shownNames = names.includes(poolName.value) ? names : [poolName.value, ...names];
  return (
    <div class="field">
      <span aria-hidden="true">Pool</span>
      <select
        aria-label="Pool"
        value={poolName.value}
        onChange={(event) => choosePool(event.currentTarget.value)}
      >
        {shownNames.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </div>
  );
}

function Badge() {
  const { label, detail, tone } = wordsOf(connection.value);
  // What is shown then is not live, however well it is connected.
  const isThen = isPast.value && tone === 'good';
  return (
    <div
      class={`badge badge-${isThen ? 'past' : tone}`}
      role="status"
      aria-label="Connection"
      title={isThen ? 'The past is shown. The connection is live.' : detail}
    >
      <span class="badge-sign" aria-hidden="true" />
      {isThen ? 'Past' : label}
      <span class="unseen">
        : {isThen && `the connection is ${label}. `}
        {detail}
      </span>
    </div>
  );
}

/** Where something is wrong, that is said in full. */
export function Notice() {
  const { label, detail, tone } = wordsOf(connection.value);
  // A moment without connection is told by the badge alone: what is shown stays where it is.
  if (tone === 'good' || ['connecting', 'reconnecting'].includes(connection.value.kind)) return null;
  return (
    <p class={`notice notice-${tone}`}>
      <strong>{label}.</strong> {detail}
    </p>
  );
}

const countNames: Status[] = ['available', 'active', 'resting', 'withdrawn'];

function Counts() {
  return (
    <dl class="counts" aria-label="Tokens">
      {countNames.map((status) => (
        <div key={status} class={`count count-${status}`}>
          <dt>
            <span class={`dot ${status}`} aria-hidden="true" />
            {statusWords[status]}
          </dt>
          <dd>{counts.value ? number(counts.value[status]) : '–'}</dd>
        </div>
      ))}
      <div class="count">
        <dt>Waiting</dt>
        <dd>{queue.value && !isPast.value ? number(queue.value.total) : '–'}</dd>
      </div>
    </dl>
  );
}

function Clock() {
  tick.value;
  const isKnown = shown.value !== null;
  // A simulated one is in the bar below, where it is moved.
  if (clockKind.value === 'simulated' && !isPast.value) return null;
  const now = serviceNow();
  return (
    <div class="head-clock">
      <span class="soft">{isPast.value ? 'Then' : "Service's clock"}</span>
      {isKnown ? <time dateTime={new Date(now).toISOString()}>{dateAndTime(now)}</time> : <span>–</span>}
    </div>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  of: Signal<T>;
  among: readonly T[];
}

function Choice<T extends string>({ label, of, among }: ChoiceProps<T>) {
  return (
    <div class="field">
      <select
        aria-label={label}
        value={of.value}
        onChange={(event) => {
          of.value = event.currentTarget.value as T;
        }}
      >
        {among.map((value) => (
          <option key={value} value={value}>
            {label}: {value}
          </option>
        ))}
      </select>
    </div>
  );
}
