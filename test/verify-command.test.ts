/** `leasehold verify` as people and scripts run it: what it says, where, and how it ends. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { databaseKinds, freshDatabase, freshFolder, freshPostgres, type Where } from './support/databases.ts';
import { openDatabase, preparedDatabase } from './support/journal.ts';
import { runCommand, runLeasehold, startService } from './support/process.ts';
import { shapedLog } from './support/shaped-log.ts';

async function edit(where: Where, statement: string): Promise<void> {
  const database = await openDatabase(where);
  await database.db.execute(sql.raw(statement));
  await database.close();
}

describe.each(databaseKinds)('leasehold verify on %s', (kind) => {
  it('ends with 0 where all is sound, and with 1 where it is not', async () => {
    const where = await shapedLog(kind, 5, 20);
    const sound = await runLeasehold(where, 'verify');
    expect(sound).toMatchObject({ code: 0, stderr: '' });
    expect(sound.stdout).toMatch(
      /^(sound: \d+ facts \(1 to \d+\) and \d+ tokens of pool '(brief|default|elastic|named)' in (PGlite|Postgres) [^\n]+ s\n){4}$/,
    );
    const json = await runLeasehold(where, 'verify', '--json');
    expect(json).toMatchObject({ code: 0, stderr: '' });
    const { sound: all, pools } = JSON.parse(json.stdout);
    expect([all, pools.map(({ pool }: { pool: string }) => pool)]).toEqual([
      true,
      ['brief', 'default', 'elastic', 'named'],
    ]);
    expect(pools[1]).toMatchObject({ sound: true, violations: [] });
    const one = await runLeasehold(where, 'verify', '--json', '--pool', 'named');
    expect(JSON.parse(one.stdout)).toMatchObject({ sound: true, pools: [{ pool: 'named', tokens: 3 }] });

    await edit(where, `update token_events set user_id = 'eve' where seq = 3 and pool = 'default'`);
    const unsound = await runLeasehold(where, 'verify');
    expect(unsound).toMatchObject({ code: 1, stderr: '' });
    expect(unsound.stdout).toMatch(/^NOT sound: \d+ violations in .* of pool 'default'/m);
    expect(unsound.stdout).toMatch(/\n {2}I8 {3}fact 3: token [\da-f-]{36}: is not as it was written/);
    const unsoundJson = await runLeasehold(where, 'verify', '--json');
    expect(unsoundJson.code).toBe(1);
    expect(JSON.parse(unsoundJson.stdout)).toMatchObject({
      sound: false,
      pools: expect.arrayContaining([
        expect.objectContaining({
          pool: 'default',
          violations: expect.arrayContaining([expect.objectContaining({ invariant: 'I8', seq: 3 })]),
        }),
      ]),
    });
  });

  it('ends with 2 where no pool has ever been, and leaves it so', async () => {
    const where = await preparedDatabase(kind);
    if (kind === 'postgres') await (await openDatabase(where)).close();
    for (let time = 0; time < 2; time++) {
      const { code, stdout, stderr } = await runLeasehold(where, 'verify');
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toContain('no pool has ever been opened here: there is no log to check');
    }
  });

  it('ends with 1 where there is a name that only pruned_tokens has, and tells of the other pools', async () => {
    const where = await shapedLog(kind, 5, 1);
    await edit(
      where,
      `insert into pruned_tokens (pool, id, seq) values ('another', '00000000-0000-4000-8000-000000000001', 0)`,
    );
    const { code, stdout, stderr } = await runLeasehold(where, 'verify');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toMatch(/NOT sound: .* of pool 'another'/);
    expect(stdout).toContain('pruned_tokens has tokens of a pool that the table pools does not know');
    expect(stdout).toMatch(/^sound: .* of pool 'named'/m);
  });

  it('ends with 2 where a migration is missing, or one is there that it does not know', async () => {
    const where = await shapedLog(kind, 5, 1);
    const newest = '(select max(created_at) from drizzle.__drizzle_migrations)';
    const move = (ms: number) =>
      edit(
        where,
        `update drizzle.__drizzle_migrations set created_at = created_at + ${ms} where created_at = ${newest}`,
      );
    await move(1);
    const newer = await runLeasehold(where, 'verify');
    expect({ code: newer.code, said: newer.stderr }).toEqual({
      code: 2,
      said: expect.stringContaining('it is of a newer version'),
    });
    await move(-2);
    const older = await runLeasehold(where, 'verify');
    expect({ code: older.code, said: older.stderr }).toEqual({
      code: 2,
      said: expect.stringContaining('a migration is missing: start the service'),
    });
  });
});

describe('leasehold verify', () => {
  it('ends with 2 and names the route where a service has the embedded database open', async () => {
    const where = await preparedDatabase('pglite');
    const service = await startService(where);
    const { code, stderr } = await runLeasehold(where, 'verify');
    expect(code).toBe(2);
    expect(stderr).toContain(`another Leasehold process uses the folder ${where.dataDir}`);
    expect(stderr).toContain('GET /api/verify');
    expect((await service.get('/api/verify')).body).toMatchObject({ sound: true, facts: 1 });
  });

  it('checks a Postgres that is being served, and takes nothing from who serves it', async () => {
    const where = await freshDatabase('postgres');
    const service = await startService(where);
    await service.post('/api/tokens/allocate');
    expect(await runLeasehold(where, 'verify')).toMatchObject({ code: 0 });
    expect((await service.post('/api/tokens/allocate')).status).toBe(200);
    expect(service.log.filter(({ stage }) => stage !== undefined).at(-1)).toMatchObject({ stage: 'serving' });
  });

  it('ends with 2 where there is no database, makes none, and shows no password', async () => {
    const folder = join(freshFolder(), 'nowhere');
    const missing = await runLeasehold({ dataDir: folder }, 'verify');
    expect(missing).toMatchObject({ code: 2, stdout: '' });
    expect(missing.stderr).toContain(`there is no embedded database in ${folder}`);
    expect(() => mkdirSync(folder)).not.toThrow();

    const empty = { databaseUrl: await freshPostgres(), dataDir: '' };
    const never = await runLeasehold(empty, 'verify');
    expect(never).toMatchObject({ code: 2, stdout: '' });
    expect(never.stderr).toContain('the service has never been started on it');

    const gone = { databaseUrl: 'postgres://ada:secret@127.0.0.1:1/gone', dataDir: '' };
    const refused = await runLeasehold(gone, 'verify');
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(
      /^leasehold: cannot check Postgres at 127\.0\.0\.1:1\/gone: .*ECONNREFUSED/,
    );
    expect(refused.stderr).not.toContain('secret');
    const asJson = await runLeasehold(gone, 'verify', '--json');
    expect(asJson.code).toBe(2);
    expect(JSON.parse(asJson.stdout)).toEqual({ error: expect.stringContaining('ECONNREFUSED') });
  });

  it('ends with 2 on a wrong variable, and on arguments that it does not know', async () => {
    const wrong = await runLeasehold({ databaseUrl: 'mysql://here', dataDir: '' }, 'verify');
    expect(wrong).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringContaining('DATABASE_URL: must be'),
    });
    for (const args of [['verfy'], ['verify', '--jsn'], ['verify', 'all'], ['--help', 'me'], ['']]) {
      const { code, stdout, stderr } = await runLeasehold(null, ...args);
      expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' });
      expect(stderr).toContain(`does not know '${args.join(' ')}'`);
      expect(stderr).toContain('usage: leasehold');
    }
  });

  it('says how it is used, and which version it is', async () => {
    for (const args of [['--help'], ['-h'], ['verify', '--help']]) {
      expect(await runLeasehold(null, ...args)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^usage: /),
      });
    }
    expect(await runLeasehold(null, '--version')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it('is there by its name', async () => {
    const { code, stdout } = await runCommand(
      'npm',
      ['run', '--silent', 'leasehold', '--', '--version'],
      null,
    );
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});
