/** The file of pools (`POOLS_FILE`), YAML or JSON: read and checked whole, and every mistake said with its line. */
import { readFileSync } from 'node:fs';
import { type Document, isNode, isScalar, LineCounter, parseDocument, visit } from 'yaml';
import { z } from 'zod';
import { contradictions, type DeclaredPool } from '../lease/pool-options.ts';
import { declaredPools, type Permanent } from './declared-pools.ts';
import { optionsPart, poolName, type WrittenOptions, written } from './options-schema.ts';

const PoolsFile = z.strictObject(
  {
    $schema: z
      .string('must be text')
      .optional()
      .meta({ description: 'Where editors find what may stand here' }),
    pools: z
      .record(poolName, optionsPart, {
        error: ({ code }) =>
          code === 'invalid_type' ? 'must be an object: the options of each pool by its name' : undefined,
      })
      .meta({ description: 'The options of each pool, by its name' }),
  },
  {
    error: ({ code }) =>
      code === 'invalid_type' ? 'must be an object with `pools`, and the pools by name in that' : undefined,
  },
);

/** For editors: what may stand in the file. */
export const poolsFileSchema = (): object => ({
  ...z.toJSONSchema(PoolsFile, { io: 'input' }),
  title: 'Pools of Leasehold',
});

type Path = readonly (string | number)[];

/** Throws with a line for each mistake: where it is, and what. */
export function readPoolsFile(file: string, permanent: readonly Permanent[]): DeclaredPool[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`POOLS_FILE: cannot read ${file}: ${(error as Error).message}`);
  }
  const { declared, said } = declaredIn(text, permanent);
  if (said.length === 0) return declared;
  const lines = said.map(({ line, col, message }) => `${file}:${line}:${col}: ${message}`);
  throw new Error(`the file of pools is not valid (POOLS_FILE)\n  ${lines.join('\n  ')}`);
}

/** The same of pools that stand in no file, their options written in either manner. Throws with a line for each mistake. */
export function declaredAs(chosen: Record<string, object>, permanent: readonly Permanent[]): DeclaredPool[] {
  const asWritten = Object.entries(chosen).map(([name, options]) => [
    name,
    Object.fromEntries(Object.entries(options).map(([option, value]) => [written(option), value])),
  ]);
  const text = JSON.stringify({ pools: Object.fromEntries(asWritten) });
  const { declared, said } = declaredIn(text, permanent);
  if (said.length === 0) return declared;
  throw new Error(`the pools are not valid\n  ${said.map(({ message }) => message).join('\n  ')}`);
}

interface Said {
  line: number;
  col: number;
  message: string;
}

function declaredIn(
  text: string,
  permanent: readonly Permanent[],
): { declared: DeclaredPool[]; said: Said[] } {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines });
  const mistakes: { offset: number; message: string }[] = [];
  const say: Say = (offset, message) => mistakes.push({ offset, message });
  for (const { pos, message } of document.errors)
    say(pos[0], message.split('\n')[0]!.replace(/ at line .*$/, ''));
  const content = mistakes.length > 0 ? undefined : contentOf(document, say);
  const declared = content === undefined ? [] : check(document, content.js, permanent, say);
  const said = mistakes
    .sort((one, other) => one.offset - other.offset)
    .map(({ offset, message }) => ({ ...lines.linePos(offset), message }));
  return { declared, said };
}

const proto = '__proto__';

type Say = (offset: number, message: string) => void;

/** What the document says, with its aliases replaced; undefined where they cannot be. */
function contentOf(document: Document, say: Say): { js: unknown } | undefined {
  const aliases: number[] = [];
  let isSound = true;
  visit(document, {
    Alias(_, alias) {
      aliases.push(alias.range![0]);
      if (alias.resolve(document) !== undefined) return;
      isSound = false;
      say(alias.range![0], `*${alias.source}: no anchor &${alias.source} stands before it`);
    },
    Pair(_, { key }) {
      // Where names are free, it would be passed over in silence.
      if (isScalar(key) && key.value === proto) say(key.range![0], `${proto}: is not known`);
    },
  });
  if (!isSound) return undefined;
  try {
    return { js: document.toJS() };
  } catch {
    say(aliases.at(-1) ?? 0, 'the aliases stand for too much: write it out');
    return undefined;
  }
}

function check(document: Document, js: unknown, permanent: readonly Permanent[], say: Say): DeclaredPool[] {
  const sayAt = (path: Path, message: string) =>
    say(offsetOf(document, path), `${path.join('.') || 'the file'}: ${message}`);
  const result = PoolsFile.safeParse(js);
  for (const issue of result.error?.issues ?? []) {
    const path = issue.path as Path;
    if (issue.code !== 'unrecognized_keys') sayAt(path, messageOf(issue));
    else for (const key of issue.keys) if (key !== proto) sayAt([...path, key], 'is not known');
  }
  // All mistakes at once: what can be understood is looked at whatever else is wrong.
  const declared = declaredPools(result.data?.pools ?? understood(js), permanent);
  for (const { name, options } of declared) {
    const unfit = permanent.find((each) => each.name === name)?.unfit?.(options) ?? [];
    for (const { option, message } of unfit.length > 0 ? unfit : contradictions(options))
      sayAt(['pools', name, written(option)], message);
  }
  return declared;
}

/** Those pools of which nothing is wrong by itself. */
function understood(js: unknown): Record<string, WrittenOptions> {
  const file = z.object({ pools: z.record(z.string(), z.unknown()) }).safeParse(js);
  const pools = Object.entries(file.data?.pools ?? {}).flatMap(([name, chosen]) => {
    const options = optionsPart.safeParse(chosen);
    return options.success && poolName.safeParse(name).success ? [[name, options.data] as const] : [];
  });
  return Object.fromEntries(pools);
}

/** Where it stands, or what it would stand in. */
function offsetOf(document: Document, path: Path): number {
  for (let length = path.length; length > 0; length--) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

/** Of a name that is none, what is wrong with it. */
const messageOf = (issue: z.core.$ZodIssue): string =>
  (issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined) ?? issue.message;
