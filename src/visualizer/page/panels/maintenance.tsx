/** Tokens that are out of use for maintenance: which, why, back again, and one more. */
import { useState } from 'preact/hooks';
import { counted, shortId, tokenName } from '../format.ts';
import type { TokenShown } from './shapes.ts';
import { tokenMeant } from './tokens-read.ts';

export interface Withdrawal {
  note: string | null;
  /** What becomes of its lease. */
  lease: 'run_out' | 'end';
}

/** Left out where nothing can be done, as with the past. */
export interface MaintenanceActions {
  onWithdraw?: (tokenId: string, withdrawal: Withdrawal) => void;
  onRestore?: (tokenId: string) => void;
}

/** More are counted, but not listed. */
const most = 30;
const offered = 100;
const noteMax = 200;

export function Maintenance({
  tokens,
  onWithdraw,
  onRestore,
}: MaintenanceActions & { tokens: readonly TokenShown[] }) {
  const withdrawn = tokens.filter((token) => token.withdrawn);
  return (
    <section aria-labelledby="pool-maintenance">
      <h3 id="pool-maintenance">
        Maintenance{' '}
        {withdrawn.length > 0 && <span class="panel-count">{counted(withdrawn.length, 'token')}</span>}
      </h3>
      {withdrawn.length === 0 && <p class="panel-none">Every token is in use.</p>}
      <ul class="withdrawn">
        {withdrawn.slice(0, most).map((token) => (
          <li key={token.token_id}>
            <span class="mono" title={token.token_id}>
              {tokenName(token.name, token.token_id)}
            </span>
            <span class="withdrawn-note">
              {token.note ?? 'no note'}
              {token.status === 'active' && token.user_id !== null && (
                <em> – held by {shortId(token.user_id)} until the lease runs out</em>
              )}
            </span>
            {onRestore && (
              <button
                type="button"
                aria-label={`Restore ${tokenName(token.name, token.token_id)}`}
                onClick={() => onRestore(token.token_id)}
              >
                Restore
              </button>
            )}
          </li>
        ))}
      </ul>
      {withdrawn.length > most && (
        <p class="panel-none">and {counted(withdrawn.length - most, 'more token')}</p>
      )}
      {onWithdraw && <WithdrawForm tokens={tokens} onWithdraw={onWithdraw} />}
    </section>
  );
}

interface FormProps {
  tokens: readonly TokenShown[];
  onWithdraw: NonNullable<MaintenanceActions['onWithdraw']>;
}

function WithdrawForm({ tokens, onWithdraw }: FormProps) {
  const [text, setText] = useState('');
  const [note, setNote] = useState('');
  const [ends, setEnds] = useState(false);
  const token = tokenMeant(tokens, text);
  const problem = problemOf(text, token);
  const submit = (event: Event) => {
    event.preventDefault();
    if (token === null || problem !== null) return;
    onWithdraw(token.token_id, { note: note.trim() || null, lease: ends ? 'end' : 'run_out' });
    setText('');
    setNote('');
    setEnds(false);
  };
  return (
    <form class="withdraw" onSubmit={submit}>
      <TokenField tokens={tokens} text={text} isWrong={problem !== null} onText={setText} />
      <label>
        Note
        <input
          value={note}
          maxLength={noteMax}
          onInput={({ currentTarget }) => setNote(currentTarget.value)}
        />
      </label>
      <label class="withdraw-ends">
        <input
          type="checkbox"
          checked={ends}
          onChange={({ currentTarget }) => setEnds(currentTarget.checked)}
        />
        end its lease at once
      </label>
      <button type="submit" disabled={token === null || problem !== null}>
        Withdraw
      </button>
      <p class="withdraw-problem" id="withdraw-problem" role="status">
        {problem}
      </p>
    </form>
  );
}

function problemOf(text: string, token: TokenShown | null): string | null {
  if (text.trim() === '') return null;
  if (token === null) return 'No one token is called so.';
  return token.withdrawn ? 'It is withdrawn already.' : null;
}

interface FieldProps {
  tokens: readonly TokenShown[];
  text: string;
  isWrong: boolean;
  onText: (text: string) => void;
}

function TokenField({ tokens, text, isWrong, onText }: FieldProps) {
  const inUse = tokens.filter(({ withdrawn }) => !withdrawn).slice(0, offered);
  return (
    <>
      <label>
        Token
        <input
          list="pool-tokens"
          value={text}
          autocomplete="off"
          spellcheck={false}
          aria-invalid={isWrong}
          aria-describedby="withdraw-problem"
          onInput={({ currentTarget }) => onText(currentTarget.value)}
        />
      </label>
      <datalist id="pool-tokens">
        {inUse.map(({ token_id, name }) => (
          <option key={token_id} value={name ?? token_id} />
        ))}
      </datalist>
    </>
  );
}
