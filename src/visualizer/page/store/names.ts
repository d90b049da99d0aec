/** How tokens are called in sentences: by their name, where they have one. */
import { tokenName } from '../format.ts';
import { shown } from './store.ts';

/** Of the pool that is shown, at the moment that is shown. */
export const nameOf = (tokenId: string): string =>
  tokenName(shown.peek()?.picture.tokens.get(tokenId)?.name, tokenId);
