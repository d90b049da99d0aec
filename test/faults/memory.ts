/** Whether the memory of the serving process grows with what it has done [I18]. */
import { readFileSync } from 'node:fs';
import type { Cluster } from './cluster.ts';
import { mean } from './numbers.ts';

interface Sample {
  rss: number;
  heap: number;
}

const megabyte = 2 ** 20;

export class MemoryWatch {
  readonly #cluster: Cluster;
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  /** Looks at the process that serves, whichever that is. */
  constructor(cluster: Cluster, everyMs: number) {
    this.#cluster = cluster;
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  /** Means of the first and of the last quarter of the run. */
  end(): string {
    clearInterval(this.#timer);
    const quarter = Math.ceil(this.#samples.length / 4);
    const [first, last] = [this.#samples.slice(0, quarter), this.#samples.slice(-quarter)];
    const shown = (what: keyof Sample) => {
      const of = (samples: Sample[]) => (mean(samples.map((sample) => sample[what])) / megabyte).toFixed(1);
      return `${what} ${of(first)} → ${of(last)} MB`;
    };
    return `${shown('rss')}, ${shown('heap')} (first and last quarter of ${this.#samples.length} samples)`;
  }

  async #look(): Promise<void> {
    try {
      const member = await this.#cluster.serving();
      const metrics = await (await fetch(`${member.url}/metrics`)).text();
      const status = readFileSync(`/proc/${member.service.pid}/status`, 'utf8');
      const heap = Number(/^nodejs_heap_size_used_bytes (\S+)/m.exec(metrics)?.[1]);
      const rss = Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) * 1024;
      this.#samples.push({ rss, heap });
    } catch {
      // It has just been ended: the next look finds another one.
    }
  }
}
