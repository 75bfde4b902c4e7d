// SPDX-License-Identifier: Apache-2.0
//
// How channels fare, and what an outage leaves behind: faults are told with their remedy, what was missed is fetched, the operator's commands.

import assert from "node:assert/strict";
import * as fs from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { Gateway, newNumber, newProvider, publicUrl, until, type Event } from "./harness.js";

const number = "+15550001111";
const hook = "/hooks/acme/support-sms";
const api = newProvider();
let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("channels", { ownCluster: true, providers: { "support-sms": api }, channel: { probe_every: "1s" } });
});
after(() => gateway?.stop());
beforeEach(() => api.well());

const newestEvent = async () => (await gateway.tickets("?limit=1")).at;

/** The first event of that type after a number, once it is there. */
const told = (type: string, after: number): Promise<Event> =>
    until(async () => (await gateway.events(after)).find((event) => event.type === type), type);

const channel = async (): Promise<any> => (await gateway.get("/v1/channels")).data.find((one: { slug: string }) => one.slug === "support-sms");

/** What a customer's ticket says, once it has so many messages. */
async function texts(from: string, n: number): Promise<string[]> {
    const { id } = await until(
        async () => (await gateway.all<any>("/v1/tickets")).find((ticket) => ticket.contact.address === `tel:${from}`),
        `a ticket of ${from}`,
    );
    return until(async () => {
        const { data } = await gateway.messages(id);
        return data.length >= n ? data.map(({ text }) => text) : undefined;
    }, `${n} messages of ${from}`);
}

/** Pauses the channel; its owner has heard of it. */
async function pause(): Promise<void> {
    assert.equal(await gateway.must(["channel", "pause", "acme/support-sms"]), "channel acme/support-sms is paused\n");
    // The owner looks every three seconds; it has looked when its lease is younger than the pause.
    await until(async () => (await gateway.sql(
        "select bool_and (l.until > s.paused_at + interval '10 seconds') from gateway.channel_state s join gateway.channel_lease l using (account_id, channel_id) where s.paused_at is not null")) === "t", "the gateway to have looked");
}

const command = (verb: string, ...more: string[]) => gateway.command(["channel", verb, "acme/support-sms", ...more]);

test("credentials that are refused are told before a message is tried; mended, the channel works at once", async () => {
    const { id } = await gateway.newTicket();
    const good = fs.readFileSync(gateway.configFile, "utf8");
    const at = await newestEvent();
    await api.die();
    const message = await gateway.reply(id, "wait for me");
    await gateway.tried(message, 1); // so that another attempt is due after the start
    await gateway.down();
    await api.well();
    fs.writeFileSync(gateway.configFile, good.replace('"${TWILIO_TOKEN}"', '"another token"'));
    await gateway.sql("update gateway.delivery set run_at = now ()");
    await gateway.up();
    const { data } = await told("channel.down", at);
    assert.equal(data.channel!.slug, "support-sms");
    assert.match(data.channel!.cause!, /credentials/);
    assert.match(data.channel!.remedy!, /auth_token/);
    assert.equal((await channel()).health, "down");
    assert.deepEqual((await gateway.get(`/v1/messages/${message}`)).attempts.filter(({ http_status }: { http_status: number }) => http_status === 401), [], "it was not tried in vain");
    const probe = await command("probe");
    assert.equal(probe.code, 1);
    assert.match(probe.stdout, /^channel acme\/support-sms is down\ncause .*credentials/);

    fs.writeFileSync(gateway.configFile, good);
    gateway.signal("SIGHUP");
    await told("channel.up", at);
    await gateway.reaches(message, "delivered");
    assert.equal((await channel()).cause, null);
    assert.deepEqual((await command("probe")).stdout, "channel acme/support-sms is up\n");
});

test("a channel that leaves the configuration and comes back while a call is under way waits for its answer", async () => {
    const good = fs.readFileSync(gateway.configFile, "utf8");
    const reloads = () => gateway.logText().split("config.reloaded").length;
    const reload = async (config: string): Promise<void> => {
        const n = reloads();
        fs.writeFileSync(gateway.configFile, config);
        gateway.signal("SIGHUP");
        await until(async () => reloads() > n, "the new configuration");
    };
    const [slow, other] = [await gateway.newTicket(), await gateway.newTicket()];
    api.fault({ kind: "late", ms: 3000 }, { to: slow.from, times: 1 });
    const message = await gateway.reply(slow.id, "slowly");
    await api.next(({ to }) => to === slow.from);
    await reload(good.replace(/ +support-sms: .*from: "\+15550001111".*\n/, ""));
    await reload(good);
    await gateway.reaches(await gateway.reply(other.id, "the channel is back"), "delivered");
    const { attempts } = await gateway.tried(message, 1);
    assert.deepEqual(attempts.map(({ outcome }: { outcome: string }) => outcome), ["sent"]);
    assert.equal(api.accepted.all.filter(({ to }) => to === slow.from).length, 1);
});

test("a provider that is told to call another URL is a channel that still sends, and a fault that is told", async () => {
    const { id } = await gateway.newTicket();
    const at = await newestEvent();
    api.account.numbers.get(number)!.smsUrl = "https://old.example.com/sms";
    const { data } = await told("channel.degraded", at);
    assert.match(data.channel!.remedy!, /webhook/);
    const probe = await command("probe");
    assert.equal(probe.code, 1);
    assert.ok(probe.stdout.includes(publicUrl + hook), "it says which URL is to be registered");
    await gateway.reaches(await gateway.reply(id, "it goes out"), "delivered");
    api.account.numbers.get(number)!.smsUrl = publicUrl + hook;
    await told("channel.up", at);
    const types = (await gateway.events(at)).filter(({ type }) => type.startsWith("channel.")).map(({ type }) => type);
    assert.deepEqual(types, ["channel.degraded", "channel.up"], "only what changed is told");
});

test("a provider that is away for a moment alarms nobody", async () => {
    const at = await newestEvent();
    await gateway.down();
    const over = new Promise<void>((done) => api.fault({ kind: "close" }, { of: "read", times: 2, done }));
    await gateway.up();
    await over;
    const { id } = await gateway.newTicket();
    await gateway.reaches(await gateway.reply(id, "here we are"), "delivered");
    assert.deepEqual((await gateway.events(at)).filter(({ type }) => type.startsWith("channel.")), []);
});

test("what came in while the gateway was down arrives after the start: once, and in order", async () => {
    const from = newNumber();
    assert.equal((await api.receive({ from, body: "1, by the webhook" })).status, 200);
    assert.equal((await api.receive({ from, body: "2, by the webhook" })).status, 200);
    await gateway.down();
    const n = 120;
    for (let i = 3; i <= n; i++) api.keep({ from, body: `${i}, kept` });
    await gateway.up();
    const expected = Array.from({ length: n }, (_, i) => `${i + 1}, ${i < 2 ? "by the webhook" : "kept"}`);
    const { id } = await gateway.ticketOf(from);
    await until(async () => (await gateway.ticketOf(from)).last_message?.text === `${n}, kept`, "the last message");
    assert.deepEqual((await gateway.all<any>(`/v1/tickets/${id}/messages`)).map(({ text }) => text), expected);
    const stored = await gateway.count("message");
    await gateway.restart();
    api.keep({ from, body: "and one more" });
    assert.match(await gateway.must(["channel", "backfill", "support-sms", "--account", "acme", "--since", new Date(Date.now() - 60_000).toISOString()]), / new, /);
    await until(async () => (await gateway.ticketOf(from)).last_message?.text === "and one more", "one more");
    assert.equal(await gateway.count("message"), stored + 1, "nothing comes twice");
});

test("what came in so long ago that it may be known and forgotten is left with the provider, and the log says so", async () => {
    await gateway.down();
    await gateway.sql("update gateway.channel_state set seen_to = now() - interval '400 days'");
    await gateway.up();
    await until(async () => gateway.logText().includes('"backfill.cut"'), "the warning");
    assert.match(gateway.logText(), /"backfill.cut".*channel acme\/support-sms: what came in from .* to .* stays with the provider/);
});

test("what was refused while the database was away is fetched when it is back", async () => {
    const from = newNumber();
    const state = () => gateway.sql("select count(*) from gateway.channel_state where seen_to is not null");
    await until(async () => (await state()) !== "0", "the gateway to know up to when all came in");
    await gateway.cluster.down("fast");
    const refused = await api.receive({ from, body: "nobody listens" });
    assert.equal(refused.status, 503);
    await gateway.cluster.up();
    await until(async () => (await gateway.api("/v1/tickets")).status === 200, "the API to have the database again");
    assert.deepEqual(await texts(from, 1), ["nobody listens"]);
});

test("a part that the channel does not make any more has failed, and the gateway goes on", async () => {
    const [{ id }, other] = [await gateway.newTicket(), await gateway.newTicket()];
    await pause();
    const message = await gateway.reply(id, "of one part");
    await gateway.sql(`update gateway.message set n_parts = 2 where message_id = '${message}'`); // as an older release might have counted
    await command("resume");
    await gateway.reaches(message, "failed");
    const { parts, error } = await gateway.get(`/v1/messages/${message}`);
    assert.deepEqual(parts.map(({ status }: { status: string }) => status), ["delivered", "failed"]);
    assert.equal(error.code, "cannot_carry");
    await gateway.reaches(await gateway.reply(other.id, "next"), "delivered");
});

test("a channel that is paused takes what comes, sends nothing, and sends all of it when it is resumed", async () => {
    const { id, from } = await gateway.newTicket();
    await pause();
    assert.equal((await channel()).paused, true);
    const before = api.accepted.all.length;
    const message = await gateway.reply(id, "later");
    assert.equal((await api.receive({ from, body: "are you there?" })).status, 200);
    assert.match(await gateway.must(["channel", "list"]), /^acme\/support-sms +twilio +up +paused +1 waiting  oldest due 20/m);
    assert.equal(api.accepted.all.length, before, "nothing was sent");
    assert.equal((await gateway.get(`/v1/messages/${message}`)).attempts.length, 0);
    assert.equal(await gateway.must(["channel", "resume", "acme/support-sms"]), "channel acme/support-sms sends\n");
    await gateway.reaches(message, "delivered");
});

test("the commands say how a channel is, and what they are not told well", async () => {
    const shown = await gateway.must(["channel", "show", "acme/support-sms"]);
    for (const line of [/^channel +acme\/support-sms$/m, /^register +https:\/\/gw\.example\.com\/hooks\/acme\/support-sms$/m, /^health +up$/m, /^known to +20/m]) assert.match(shown, line);
    assert.equal((await gateway.must(["channel", "list", "--account", "globex"])).split("\n").length, 2);
    for (const [args, words] of [
        [["show", "support-sms"], /2 accounts have a channel "support-sms" \(say --account/],
        [["pause", "no-sms"], /there is no channel "no-sms"/],
        [["backfill", "acme/support-sms", "--since", "yesterday"], /--since wants a time/],
        [["backfill", "acme/support-sms", "--since", "2020-01-01T00:00:00Z"], /would come twice/],
    ] as const) {
        const { code, stdout, stderr } = await gateway.command(["channel", ...args]);
        assert.notEqual(code, 0);
        assert.equal(stdout, "");
        assert.match(stderr, words);
    }
});
