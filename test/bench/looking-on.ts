/** Looks on at the messages of the default pool, as a page does, and reads all that it is sent. */

/** What is returned ends it, and says how many messages came. */
export async function lookOn(url: string): Promise<() => Promise<number>> {
  const gone = new AbortController();
  const response = await fetch(`${url}/api/messages/stream`, { signal: gone.signal });
  let seen = 0;
  const reading = (async () => {
    for await (const text of response.body!.pipeThrough(new TextDecoderStream()))
      seen += text.split('event: message').length - 1;
  })().catch((error) => {
    if (!gone.signal.aborted) throw error;
  });
  return async () => {
    gone.abort();
    await reading;
    return seen;
  };
}
