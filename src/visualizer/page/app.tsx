/** The page as a whole. */
export function App() {
  return (
    <main>
      <h1>Leasehold</h1>
    </main>
  );
}
