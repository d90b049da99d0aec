/** Above the tiles: looking for one, how they are arranged, and asking for a token. */
import type { Signal } from '@preact/signals';
import { counted } from '../format.ts';
import { addToken, allocate } from '../store/allocate.ts';
import type { Arrangement } from '../store/arrangement.ts';
import { arrangement, asList, drawn, firstMatch, matches, options, typed } from '../store/drawn.ts';
import { canAct, choose } from '../store/store.ts';

const arrangementNames: Record<Arrangement, string> = {
  making: 'as made',
  use: 'order of use',
  time: 'time left',
};

export function Toolbar() {
  return (
    <div class="toolbar">
      <Search />
      <div class="field">
        <span aria-hidden="true">Arrange by</span>
        <select
          aria-label="Arrange by"
          value={arrangement.value}
          onChange={(event) => {
            arrangement.value = event.currentTarget.value as Arrangement;
          }}
        >
          {Object.entries(arrangementNames).map(([value, name]) => (
            <option key={value} value={value}>
              {name}
            </option>
          ))}
        </select>
      </div>
      <Toggle label="List" of={asList} />
      <div class="toolbar-acts">
        <button type="button" class="primary" disabled={!canAct.value} onClick={() => void allocate()}>
          Allocate
        </button>
        <button type="button" disabled={!canAct.value} onClick={() => void allocate(10)}>
          Allocate 10
        </button>
        {options.value?.membership === 'elastic' && (
          <button type="button" disabled={!canAct.value} onClick={() => void addToken()}>
            Add a token
          </button>
        )}
      </div>
    </div>
  );
}

function Search() {
  const press = (event: KeyboardEvent) => {
    if (event.key === 'Enter') choose(firstMatch()?.tokenId ?? null);
    if (event.key === 'Escape') typed.value = '';
  };
  return (
    <search class="search">
      <input
        type="search"
        aria-label="Find tokens by user, token or label"
        placeholder="Find a user, token or label"
        value={typed.value}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
        onKeyDown={press}
      />
      <span class="soft" role="status" aria-label="Matches">
        {matches.value === null
          ? counted(drawn.value.length, 'token')
          : `${matches.value.size} of ${drawn.value.length}`}
      </span>
    </search>
  );
}

function Toggle({ label, of }: { label: string; of: Signal<boolean> }) {
  return (
    <button
      type="button"
      aria-pressed={of.value}
      onClick={() => {
        of.value = !of.value;
      }}
    >
      {label}
    </button>
  );
}
