// SPDX-License-Identifier: Apache-2.0
//
// Two gateways on one database, with one configuration file: each message is sent by one of them, and either one can die.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { TwilioApi } from "../../sandbox/twilio_api.js";
import { accountSid, authToken, Gateway, publicUrl, until } from "./harness.js";

let one: Gateway, two: Gateway, api: TwilioApi, sales: TwilioApi;
before(async () => {
    const make = (channel: string, number: string) => new TwilioApi({ accountSid, authToken, number, publicUrl, hook: `/hooks/acme/${channel}` });
    api = make("support-sms", "+15550001111");
    sales = make("other-sms", "+15550001113");
    const common = { allow_private: true, uncertain_wait: "1s" };
    one = await Gateway.start("gateways", {
        ownCluster: true,
        limits: { channel_lease: "1s" },
        channel: { ...common, api_url: await api.start() },
        channels: { "other-sms": { ...common, api_url: await sales.start(), from: "+15550001113" } },
    });
    two = await Gateway.beside(one);
    api.gateway = sales.gateway = one.url;
});
after(async () => {
    await two?.stop();
    await one?.stop();
    await Promise.all([api?.stop(), sales?.stop()]);
});

let customers = 0;
const newNumber = () => `+1555650${String(++customers).padStart(4, "0")}`;

async function send(gateway: Gateway, to: string, text: string, channel = "support-sms"): Promise<string> {
    const answer = await gateway.api("/v1/messages", { method: "POST", body: { channel, to: `tel:${to}`, text } });
    assert.equal(answer.status, 202, answer.body.toString());
    return answer.json.id;
}

const reaches = (gateway: Gateway, id: string, status: string) =>
    until(async () => (await gateway.get(`/v1/messages/${id}`)).status === status, `message ${id} to be ${status}`, 30_000);

const bodies = (to: string) => api.accepted.all.filter((sms) => sms.to === to).map(({ body }) => body);

test("of two gateways one sends, whichever was asked, once and in order", async () => {
    const lines = Array.from({ length: 10 }, newNumber);
    const ids: string[] = [];
    for (let i = 0; i < 10; i++) for (const to of lines) ids.push(await send(i % 2 ? one : two, to, `${i}`));
    for (const id of ids) await reaches(one, id, "delivered");
    for (const to of lines) assert.deepEqual(bodies(to), Array.from({ length: 10 }, (_, i) => `${i}`));
    assert.equal(await one.count("attempt where outcome <> 'sent'"), 0);
    assert.equal(await one.sql("select count(distinct gateway_id) from gateway.channel_lease where until > now ()"), "1");
});

test("whichever dies, the other one goes on with its channels", async () => {
    // Both ways, so one of the two had the channels.
    for (const [dies, stays] of [[one, two], [two, one]] as const) {
        const to = newNumber();
        await dies.kill9();
        api.gateway = sales.gateway = stays.url;
        const ids = [];
        for (let i = 0; i < 5; i++) ids.push(await send(stays, to, `${i}`));
        for (const id of ids) await reaches(stays, id, "delivered");
        assert.deepEqual(bodies(to), ["0", "1", "2", "3", "4"]);
        await dies.up();
    }
});

test("a channel that is paused keeps its messages; others send, and it goes on when it may", async () => {
    const lease = () => one.sql("select until from gateway.channel_lease l join gateway.channel c using (account_id, channel_id) where slug = 'support-sms'");
    /** Once its owner has looked again. */
    const noticed = async () => {
        for (const before of [await lease(), await lease()]) await until(async () => (await lease()) > before, "the lease to be renewed");
    };
    const pause = (at: string) =>
        one.sql(`insert into gateway.channel_state as s (account_id, channel_id, since, paused_at) select account_id, channel_id, now (), ${at} from gateway.channel where slug = 'support-sms' and account_id = (select account_id from gateway.account where slug = 'acme')
                 on conflict (account_id, channel_id) do update set paused_at = excluded.paused_at`);
    await pause("now ()");
    await noticed();
    const to = newNumber();
    const kept = await send(one, to, "not yet");
    await reaches(one, await send(two, to, "elsewhere", "other-sms"), "delivered");
    assert.deepEqual(bodies(to), []);
    assert.equal((await one.get(`/v1/messages/${kept}`)).status, "queued");
    await pause("null");
    await reaches(one, kept, "delivered");
    assert.deepEqual(bodies(to), ["not yet"]);
});

test("a database that stands still for longer than a lease makes nothing go twice or out of order", async () => {
    const lines = Array.from({ length: 10 }, newNumber);
    const sendAll = async (from: number) => {
        for (let i = from; i < from + 5; i++) for (const to of lines) ids.push(await send(i % 2 ? one : two, to, `${i}`));
    };
    const ids: string[] = [];
    await sendAll(0);
    await one.cluster.frozen(() => new Promise((resolve) => setTimeout(resolve, 1500))); // the lease's second, and half of one more
    await sendAll(5);
    for (const id of ids) await reaches(one, id, "delivered");
    await until(async () => (await one.count("delivery")) === 0, "no delivery left");
    const uncertain = new Set((await one.sql("select distinct message_id from gateway.attempt where outcome = 'uncertain'")).split("\n"));
    for (const [n, to] of lines.entries()) {
        const sent = bodies(to).map(Number);
        assert.deepEqual(sent, [...sent].sort((a, b) => a - b), "in order");
        for (let i = 0; i < 10; i++) {
            const times = sent.filter((body) => body === i).length;
            assert.ok(times === 1 || (times > 1 && uncertain.has(ids[i * 10 + n]!)), `${to} got ${i} ${times} times`);
        }
    }
});
