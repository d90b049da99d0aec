/** An OpenAPI document that answers are held against: what it does not say, the service must not answer. */
import { expect } from 'vitest';
import { type ZodType, z } from 'zod';

interface Content {
  schema: object;
}

export interface Operation {
  operationId: string;
  responses: Record<string, { description: string; content: Record<string, Content> }>;
}

export interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
}

export class OpenApi {
  readonly document: Document;
  readonly #paths: { pattern: RegExp; operations: Record<string, Operation> }[];
  readonly #schemas = new Map<object, ZodType>();

  constructor(document: unknown) {
    this.document = document as Document;
    const paths = Object.entries(this.document.paths);
    // As in OpenAPI: what is written out goes before what is templated.
    paths.sort(([a], [b]) => Number(a.includes('{')) - Number(b.includes('{')));
    this.#paths = paths.map(([path, operations]) => ({
      pattern: new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`),
      operations,
    }));
  }

  /** Throws where the answer is not as the document says. */
  check(
    method: string,
    path: string,
    answer: { status: number; headers: Headers; text: string; body?: unknown },
  ): void {
    const { status, headers, body } = answer;
    const said = `${method} ${path}: ${status} ${answer.text}`;
    const type = headers.get('content-type') ?? '';
    const operation = this.#operation(method, path);
    if (status >= 400) this.#checkProblem(said, type, body, status);
    if (!operation) return;
    const documented = operation.responses[status];
    if (!documented) throw new Error(`not a documented status: ${said}`);
    const schema = documented.content[type]?.schema;
    if (!schema) throw new Error(`not a documented content type: '${type}', ${said}`);
    this.#conforms(schema, body, said);
    if (status >= 400) {
      const { error } = body as { error: string };
      expect(documented.description, `not a documented code: ${said}`).toContain(`\`${error}\``);
    }
  }

  #checkProblem(said: string, type: string, body: unknown, status: number): void {
    expect(type, said).toBe('application/problem+json');
    this.#conforms({ $ref: '#/components/schemas/Problem' }, body, said);
    const problem = body as { type: string; status: number; error: string };
    expect(problem, said).toMatchObject({ status, type: `urn:leasehold:problem:${problem.error}` });
  }

  #operation(method: string, path: string): Operation | undefined {
    const [bare] = path.split('?') as [string];
    return this.#paths.find(({ pattern }) => pattern.test(bare))?.operations[method.toLowerCase()];
  }

  #conforms(schema: object, value: unknown, said: string): void {
    let validator = this.#schemas.get(schema);
    if (!validator) {
      validator = this.#validator(schema);
      this.#schemas.set(schema, validator);
    }
    const result = validator.safeParse(value);
    if (!result.success) throw new Error(`not as documented: ${said}\n${z.prettifyError(result.error)}`);
  }

  #validator(schema: object): ZodType {
    const whole = { ...schema, $defs: this.document.components.schemas };
    const text = JSON.stringify(whole).replaceAll('#/components/schemas/', '#/$defs/');
    return z.fromJSONSchema(JSON.parse(text));
  }
}
