/** The page as a whole. */
import { ClockBar } from './bar/clock-bar.tsx';
import { TravelBar } from './bar/travel-bar.tsx';
import { Header, Notice } from './shell/header.tsx';
import { Panels } from './shell/panels.tsx';
import { Tokens } from './shell/tokens.tsx';
import { isPast } from './store/store.ts';
import { Charts } from './token/charts.tsx';
import { TokenPanel } from './token/token-panel.tsx';

export function App() {
  return (
    <>
      <Header />
      <div class="banners">
        <Notice />
      </div>
      <ClockBar />
      <main class={isPast.value ? 'main main-past' : 'main'}>
        <Tokens />
        <TokenPanel />
        <Charts />
        <Panels />
      </main>
      <TravelBar />
    </>
  );
}
