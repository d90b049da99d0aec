/** Loads one route over keep-alive connections, from this process, for a while. */
import autocannon from 'autocannon';

export interface Load {
  requestsPerSecond: number;
  p50Ms: number;
  p99Ms: number;
  failures: number;
}

export async function load(
  url: string,
  method: 'GET' | 'POST',
  seconds: number,
  connections = 64,
): Promise<Load> {
  const result = await autocannon({ url, method, connections, duration: seconds });
  return {
    requestsPerSecond: result.requests.total / result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
    failures: result.non2xx + result.errors + result.timeouts,
  };
}
