// SPDX-License-Identifier: Apache-2.0
//
// What happens when something else breaks: the database, a neighbour, the configuration, the operator's hand.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import * as http from "node:http";
import { after, afterEach, before, test } from "node:test";
import { newSid } from "../../sandbox/twilio.js";
import { request } from "../../sandbox/http.js";
import { accountSid, Gateway, until } from "./harness.js";

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("failure", { ownCluster: true });
});
after(() => gateway?.stop());
// A test that failed half-way leaves the next one a database.
afterEach(async () => {
    if (!gateway || gateway.cluster.running) return;
    await gateway.cluster.up();
    await recovered();
});

/** Every one of the API's connections works again: eight requests at once are answered. */
function recovered(): Promise<boolean> {
    return until(async () => {
        const answers = await Promise.all(Array.from({ length: 8 }, () => gateway.api("/v1/tickets?limit=1")));
        return answers.every((answer) => answer.status === 200) && (await request(`${gateway.url}/readyz`)).status === 200;
    }, "the gateway to recover");
}

test("one poisonous message among 127 good ones takes none of them down", async () => {
    await gateway.sql("alter table gateway.message add constraint poison check (text <> 'poison')");
    const sms = Array.from({ length: 128 }, (_, i) => ({
        from: `+1555666${String(i).padStart(4, "0")}`,
        body: i === 77 ? "poison" : `good ${i}`,
        sid: newSid(),
    }));
    const answers = await Promise.all(sms.map((one) => gateway.sandbox({ agent: new http.Agent({ maxSockets: 1 }) }).receive(one)));
    assert.deepEqual([...new Set(answers.map((answer) => answer.status))], [200]);
    assert.equal(await gateway.count("message"), 127);
    assert.equal(await gateway.count("ticket"), 127);
    const { data } = await gateway.get("/v1/quarantine");
    assert.equal(data.length, 1);
    assert.ok(!data[0].reason.includes("good"), "nobody else's words");
    const events = await gateway.events();
    assert.equal(events.filter((event) => event.type === "input.quarantined").length, 1);
    assert.equal(events.filter((event) => event.type === "message.received").length, 127);
    assert.deepEqual(events.map((event) => event.number), events.map((_, i) => i + 1));
    // Once the poison is none, it can be had after all.
    await gateway.sql("alter table gateway.message drop constraint poison");
    const again = await gateway.api(`/v1/quarantine/${data[0].id}/reprocess`, { method: "POST" });
    assert.equal(again.status, 200, again.body.toString());
    assert.equal((await gateway.ticketOf("+15556660077")).last_message?.text, "poison");
});

test("what was quarantined can be tried again, and while the database takes nothing the agent is told to come again", async () => {
    await gateway.sql("alter table gateway.message add constraint poison check (text <> 'antidote')");
    assert.equal((await gateway.twilio.receive({ from: "+15556660200", body: "antidote" })).status, 200);
    await gateway.sql("alter table gateway.message drop constraint poison");
    const entry = (await gateway.get("/v1/quarantine?status=waiting")).data[0];
    const again = () => gateway.api(`/v1/quarantine/${entry.id}/reprocess`, { method: "POST" });
    const allow = (yes: boolean) => gateway.cluster.sql("postgres", `alter database "${gateway.database}" allow_connections ${yes}`);

    // The workers keep their connections; only the writer loses its own, and finds no other.
    await allow(false);
    try {
        await gateway.cluster.sql(
            "postgres",
            `select pg_terminate_backend(pid, 60000) from pg_stat_activity
             where datname = '${gateway.database}' and application_name = 'switchboard intake'`,
        );
        for (const when of ["waited in vain", "not even let in"]) {
            const answer = await again();
            assert.equal(answer.status, 503, when);
            assert.match(String(answer.headers["retry-after"]), /^\d+$/, when);
        }
    } finally {
        await allow(true);
    }
    const done = await until(async () => {
        const answer = await again();
        return answer.status !== 503 && answer;
    }, "the writer to be back");
    assert.equal(done.status, 200, done.body.toString());
    assert.equal(done.json.status, "reprocessed");
    assert.equal((await gateway.ticketOf("+15556660200")).last_message?.text, "antidote");
});

test("without its database the gateway says so at once, and goes on by itself when it is back", async () => {
    await gateway.twilio.receive({ from: "+15556670001", body: "before" });
    await gateway.cluster.down("immediate");
    const single = gateway.sandbox({ retry: false });
    const sid = newSid();
    const refused = await until(async () => {
        const answer = await single.receive({ from: "+15556670001", body: "meanwhile", sid });
        return answer.status === 503 && answer;
    }, "a 503");
    assert.match(String(refused.headers["retry-after"]), /^\d+$/);
    assert.equal((await gateway.api("/v1/tickets")).status, 503);
    assert.equal((await gateway.api("/livez", { key: null })).status, 200, "the program itself is well");
    await until(async () => (await gateway.api("/readyz", { key: null })).status === 503, "readyz to notice");

    await gateway.cluster.up();
    await until(async () => (await single.receive({ from: "+15556670001", body: "meanwhile", sid })).status === 200, "the gateway to recover");
    await recovered();
    const { data } = await gateway.messages((await gateway.ticketOf("+15556670001")).id);
    assert.deepEqual(data.map((message) => message.text), ["before", "meanwhile"]);
    // A stream that was open, or a new one, tells of it.
    const stream = gateway.sse({ after: (await gateway.tickets("?limit=1")).at - 1 });
    assert.equal((await stream.take(1)).length, 1);
    stream.close();
});

test("a stream that stays open while the database restarts goes on without gap", async () => {
    const at = (await gateway.tickets("?limit=1")).at;
    const stream = gateway.sse({ after: at });
    await stream.opened;
    await gateway.cluster.down("fast");
    await gateway.cluster.up();
    await until(async () => (await gateway.twilio.receive({ from: "+15556670002", body: "after the restart" })).status === 200, "the gateway to recover");
    const events = await stream.take(3);
    await recovered();
    assert.deepEqual(events.map((event) => Number(event.id)), [at + 1, at + 2, at + 3]);
    stream.close();
});

test("a quarantined request whose file is gone is told of in the log, without its words", async () => {
    const big = "secret words ".repeat(8000);
    assert.equal((await gateway.twilio.raw([["AccountSid", accountSid], ["Surprise", big]])).status, 200);
    const entry = (await gateway.get("/v1/quarantine?status=waiting")).data[0];
    const [file] = (await gateway.sql(`select file from gateway.journal where journal_id = '${entry.id}'`)).split("\n");
    const found = fs.readdirSync(`${gateway.directory}/media`, { recursive: true }).map(String).find((name) => name.endsWith(file!));
    assert.ok(found, "large requests are files");
    fs.unlinkSync(`${gateway.directory}/media/${found}`);
    assert.equal((await gateway.api(`/v1/quarantine/${entry.id}/reprocess`, { method: "POST" })).status, 500);
    assert.match(gateway.logText(), /"quarantine\.missing"/);
    assert.ok(!gateway.logText().includes("secret words"));
});

/** Sends SIGHUP and waits until the log tells what became of it. */
async function reload(word: string): Promise<void> {
    const seen = () => gateway.logText().split(word).length;
    const before = seen();
    gateway.signal("SIGHUP");
    await until(async () => seen() > before, word);
}

test("a new configuration is taken whole, and a faulty one not at all", async () => {
    const old = fs.readFileSync(gateway.configFile, "utf8");
    const added = `      new-sms: {adapter: twilio, account_sid: AC1, auth_token: "new token", from: "+15550009999", api_url: "${gateway.provider.url}", allow_private: true}\n`;
    const next = old.replace("  globex:\n", `${added}  globex:\n`);
    const fresh = () => gateway.sandbox({ channel: "new-sms", authToken: "new token", accountSid: "AC1", number: "+15550009999" });
    assert.equal((await fresh().receive({ from: "+15556680001", body: "too early" })).status, 403);

    fs.writeFileSync(gateway.configFile, next);
    await reload("config.reloaded");
    assert.equal((await fresh().receive({ from: "+15556680001", body: "hello" })).status, 200);

    fs.writeFileSync(gateway.configFile, next.replace("adapter: twilio, account_sid: AC1", "adapter: twillio, account_sid: AC1"));
    assert.equal((await gateway.command(["check"])).code, 1);
    await reload("config.kept");
    assert.equal((await fresh().receive({ from: "+15556680001", body: "still here" })).status, 200);

    fs.writeFileSync(gateway.configFile, old);
    await reload("config.reloaded");
    assert.equal((await fresh().receive({ from: "+15556680001", body: "too late" })).status, 403);
    const channel = (await gateway.get("/v1/channels")).data.find((one: { slug: string }) => one.slug === "new-sms");
    assert.equal(channel.status, "disabled", "what left the file is disabled, not deleted");
    assert.deepEqual((await gateway.messages((await gateway.ticketOf("+15556680001")).id)).data.map((message) => message.text), ["hello", "still here"]);
});

test("limits and places are taken at the start: a reload tells which of them wait for the next one", async () => {
    const old = fs.readFileSync(gateway.configFile, "utf8");
    const asked = (size: number) => gateway.api("/v1/messages", { method: "POST", body: { text: "x".repeat(size) } });
    fs.writeFileSync(gateway.configFile, `limits: {api_body: 1kB, hook_body: 1kB}\nretention: {events: 2d}\n${old.replace("/media", "/elsewhere").replace(/"https:[^"]*"/, '"https://moved.example.com"')}`);
    await reload("config.reloaded");
    const told = gateway.logText().split("\n").filter((line) => line.includes("config.restart"));
    assert.equal(told.length, 1);
    assert.match(told[0]!, /: listen\.public_url, storage\.directory, limits\.hook_body, limits\.api_body"/);
    assert.equal((await asked(2000)).status, 422, "read, though it is longer than the file now says");
    assert.equal((await gateway.twilio.receive({ from: "+15556680002", body: "x".repeat(2000) })).status, 200, "signed for the old address");
    assert.ok(!fs.existsSync(`${gateway.directory}/elsewhere`));

    await gateway.restart();
    assert.equal((await asked(2000)).status, 413);
    fs.writeFileSync(gateway.configFile, old);
    await gateway.restart();
    assert.equal((await asked(2000)).status, 422);
});

test("reloading under load drops nothing", async () => {
    let going = true;
    const statuses = new Set<number>();
    const sids: string[] = [];
    const senders = [1, 2, 3, 4].map(async (n) => {
        while (going) {
            const answer = await gateway.twilio.receive({ from: `+155566900${n}0`, body: "load" });
            statuses.add(answer.status);
            sids.push(answer.sid);
        }
    });
    for (let i = 0; i < 10; i++) await reload("config.reloaded");
    going = false;
    await Promise.all(senders);
    assert.deepEqual([...statuses], [200]);
    assert.equal(await gateway.count(`message where external_id in (${sids.map((sid) => `'${sid}'`).join(",")})`), sids.length);
});

test("check names every fault with its place and connects to nothing", async () => {
    const file = `${gateway.directory}/bad.yaml`;
    fs.writeFileSync(file, 'listen: {http: "127.0.0.1:0", public_url: "https://x.example", ops: "127.0.0.1:0"}\ndatabase: {ulr: "host=/nowhere"}\naccounts: {a: {name: A, channels: {s: {adapter: twillio}}}}\n');
    const { code, stdout, stderr } = await gateway.command(["check", "--config", file]);
    assert.equal(code, 1);
    const text = stdout + stderr;
    assert.match(text, /bad\.yaml:2:\d+: /);
    assert.match(text, /bad\.yaml:3:\d+: /);
    assert.match(text, /did you mean/);
    assert.equal((await gateway.command(["check"])).code, 0);
});

test("two who migrate at one instant do not hurt each other", async () => {
    const url = await gateway.cluster.database("twins");
    const file = `${gateway.directory}/twins.yaml`;
    fs.writeFileSync(file, gateway.config().replace(gateway.databaseUrl, url));
    const both = await Promise.all([1, 2, 3].map(() => gateway.command(["migrate", "--config", file])));
    assert.deepEqual(both.map((one) => [one.code, one.stderr]), [[0, ""], [0, ""], [0, ""]]);
    assert.equal(await gateway.cluster.sql("twins", "select count(*) from gateway.release"), "1");
});

test("a query that somebody lets run for ever is seen by what it holds back", async () => {
    const sleeper = gateway.sql("select pg_sleep(86400)").catch(() => undefined);
    const sleeping = "from pg_stat_activity where datname = current_database() and query = 'select pg_sleep(86400)'";
    await until(async () => (await gateway.sql(`select count(backend_xmin) ${sleeping}`)) === "1", "the sleeper");
    await gateway.sql("do $$ begin for i in 1..500 loop perform txid_current(); commit; end loop; end $$");
    await gateway.restart(); // a start looks, too
    await until(async () => (await gateway.metrics()).get("gw_pg_oldest_xmin_age")! >= 500, "its age to be told");
    await gateway.sql(`select pg_terminate_backend(pid, 60000) ${sleeping}`);
    await sleeper;
    await gateway.restart();
    assert.ok((await gateway.metrics()).get("gw_pg_oldest_xmin_age")! < 500);
});

test("SIGTERM under load: what was accepted is answered and kept, and the program ends well", async () => {
    const acknowledged: string[] = [];
    const statuses = new Set<number>();
    let started: () => void;
    const flowing = new Promise<void>((resolve) => (started = resolve));
    const sender = gateway.sandbox({ retry: false });
    let going = true;
    const senders = Array.from({ length: 16 }, async (_, n) => {
        for (let i = 0; going; i++) {
            const answer = await sender.receive({ from: `+1555671${String(n).padStart(4, "0")}`, body: `drain ${i}` });
            if (answer.status === 200) acknowledged.push(answer.sid);
            else going = false;
            statuses.add(answer.status);
            if (acknowledged.length === 100) started();
        }
    });
    const stream = gateway.sse({ after: 0 });
    await stream.opened;
    await flowing;
    assert.equal(await gateway.down(), 0);
    going = false;
    await Promise.all(senders);
    await stream.end();
    // 0: the connection ended before an answer; 503: told to come again. Never 500.
    for (const status of statuses) assert.ok([0, 200, 503].includes(status), String(status));
    assert.equal(await gateway.count(`message where external_id in (${acknowledged.map((sid) => `'${sid}'`).join(",")})`), acknowledged.length);
    await gateway.up();
    assert.equal((await request(`${gateway.url}/livez`)).status, 200);
});
