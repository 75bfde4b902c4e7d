// SPDX-License-Identifier: Apache-2.0
//
// Four sessions at once, on ten lines: enqueue, claim, settle, cancel, receive, match receipts, at random. Whatever meets whatever, each
// message goes out once, in the order of its line, and the log is whole.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import * as fs from "node:fs";
import * as path from "node:path";
import { after, before, test } from "node:test";
import { Cluster } from "./cluster.js";
import { binary } from "./harness.js";

const sessions = 4;
const rounds = 500;
const database = `dispatch_sql_${process.pid}`;
let cluster: Cluster, directory = "";
const ask = (text: string): Promise<string> => cluster.sql(database, text);

before(async () => {
    cluster = await Cluster.shared();
    const url = await cluster.database(database);
    fs.mkdirSync("build/talk", { recursive: true });
    directory = fs.mkdtempSync(path.resolve("build/talk", "dispatch_sql-"));
    const config = path.join(directory, "switchboard.yaml");
    fs.writeFileSync(config, `listen: {http: "127.0.0.1:0", public_url: "https://gw.example.com", ops: "127.0.0.1:0"}
database: {url: "${url}"}
storage: {directory: "${directory}/media"}
accounts: {}
`);
    execFileSync(binary, ["migrate", "--config", config]);
    const functions = await ask("select nspname from pg_namespace where nspname like 'gateway\\_%'");
    await ask(`alter database "${database}" set search_path = ${functions}, pg_catalog`);
    await ask(fs.readFileSync("tests/talk/dispatch_sql.sql", "utf8"));
    await ask(`with a as (insert into gateway.account (slug, name) values ('acme', 'Acme') returning account_id)
               insert into gateway.channel (account_id, slug, adapter) select account_id, 'sms', 'twilio' from a`);
    // A deadlock or any other error of a session is an error here.
    await Promise.all(Array.from({ length: sessions }, () => ask(`call test.work (${rounds})`)));
    await ask("call test.drain ()");
});
after(async () => {
    await cluster?.stop();
    if (directory) fs.rmSync(directory, { recursive: true });
});

const none = async (what: string, text: string): Promise<void> => assert.equal(await ask(text), "", what);

test("a few thousand messages were on their way", async () => {
    assert.ok(Number(await ask("select count (*) from gateway.message where kind = 'outgoing'")) > 1000);
    for (const outcome of ["sent", "progress", "retry", "failed", "release", "uncertain"])
        assert.ok(Number(await ask(`select count (*) from test.log where what = 'end' and outcome = '${outcome}'`)) > 10, outcome);
    assert.ok(Number(await ask("select count (*) from gateway.message where status = 'canceled'")) > 0);
    assert.ok(Number(await ask("select count (*) from gateway.message where status = 'read'")) > 10);
});

test("nothing is left behind", async () => {
    await none("deliveries", "select d.* from gateway.delivery d");
    await none("statuses", "select message_id, status from gateway.message where kind = 'outgoing' and status in ('queued', 'uncertain')");
    await none("receipts of what is known", "select external_id from gateway.receipt r join gateway.provider_id p using (account_id, channel_id, hash) where r.message_id is null");
});

test("each part was accepted once, unless it was uncertain", () =>
    none("twice", `select message, outcome, count (*) from test.log l where what = 'accepted'
                   and not exists (select from test.log u where u.message = l.message and u.outcome = 'uncertain') group by 1, 2 having count (*) > 1`));

test("on a line one attempt ends before the next begins", () =>
    none("overlaps", `select uri, seq from (select *, lag (what) over line as before, lag (message) over line as whose
                                            from test.log where what in ('begin', 'end') window line as (partition by uri order by seq)) x
                      where what = coalesce (before, 'end') or what = 'end' and message <> whose`));

test("in each lane of a line messages are accepted in their order", () =>
    none("order", `select uri, number from (
                       select l.uri, m.number, max (m.number) over (partition by m.ticket_id, m.lane order by l.seq) as furthest
                       from test.log l join gateway.message m on m.message_id = l.message
                       where l.what = 'accepted' and not exists (select from test.log u where u.message = l.message and u.outcome = 'uncertain')) x
                   where number < furthest`));

test("what the provider accepted is not said to have failed or to wait, and nothing else to be sent", async () => {
    await none("accepted", `select m.message_id, m.status from gateway.message m where status = 'canceled'
                            and exists (select from test.log l where l.message = m.message_id and l.what = 'accepted')`);
    await none("not accepted", `select m.message_id, m.status from gateway.message m where kind = 'outgoing' and status in ('sent', 'delivered', 'read')
                                and not exists (select from test.log l where l.message = m.message_id and (l.what = 'accepted' or l.outcome = 'uncertain'))`);
});

test("the log is 1, 2, 3 … and tells of each message only what is more than before", async () => {
    await none("gaps", `select number, n from (select number, row_number () over (order by number) as n from gateway.event) x where number <> n`);
    assert.equal(await ask("select count (*) - (select last_event from gateway.counter) from gateway.event"), "0");
    await none("falls", `select message_id, type from (
                             select message_id, type, status_rank (substr (type, 9)) as rank, lag (status_rank (substr (type, 9))) over (partition by message_id order by number) as before
                             from gateway.event where type like 'message.%' and type not in ('message.received', 'message.updated', 'message.canceled')) x
                         where rank <= before`);
});
