// SPDX-License-Identifier: Apache-2.0
//
// Both directions under load, while the gateway is killed twenty times and PostgreSQL twice. The driver keeps its own list of what was
// acknowledged, the provider keeps one of what it accepted. In the end they must agree: every answer that was accepted has left at least once, in its
// line's order, and twice only where the gateway had said that it does not know; every status is the provider's truth.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Message } from "../../sandbox/twilio_account.js";
import { newSid } from "../../sandbox/twilio.js";
import { Gateway, newProvider, until } from "./harness.js";

const gatewayKills = 20;
const databaseKills = ["immediate", "kill"] as const;
const customers = 16;
/** An agent is at most so many messages ahead of what the provider has: the load is steady, the end not far. */
const ahead = 8;

const api = newProvider();
let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("ledger_out", {
        ownCluster: true,
        limits: { channel_lease: "1s" },
        providers: { "support-sms": api },
        channel: { uncertain_wait: "500ms", timeout: "5s" },
    });
});
after(() => gateway?.stop());

const numberOf = (n: number) => `+1555660${String(n).padStart(4, "0")}`;
const breath = () => new Promise((resolve) => setTimeout(resolve, 10)); // a refused connection costs nothing

/* Of each customer's messages the provider tells in its own way, and some it cannot deliver. */
const fates = ["delivered", "delivered", "failed", "read"] as const;
function setHabits(): void {
    for (let n = 0; n < customers; n++) {
        const to = numberOf(n);
        if (n % 4 === 1) api.habit({ order: "shuffled", twice: true }, { to });
        if (n % 4 === 2) api.habit({ code: 30003 }, { to });
        if (n % 4 === 3) api.habit({ statuses: ["sent", "delivered", "read"], order: "reversed" }, { to });
    }
}

interface Answer {
    id: string;
    to: string;
    n: number;
}

test("every accepted answer leaves in order, and its fate is the provider's truth, whatever was killed meanwhile", { timeout: 420_000 }, async () => {
    setHabits();
    const answers: Answer[] = [];
    const received: string[] = [];
    const accepted = new Map<string, number>();
    let counted = 0;
    /** How far the provider is on a line. */
    const reached = (to: string): number => {
        for (; counted < api.accepted.all.length; counted++) {
            const sms = api.accepted.all[counted]!;
            accepted.set(sms.to, Math.max(accepted.get(sms.to) ?? -1, Number(sms.body)));
        }
        return accepted.get(to) ?? -1;
    };
    let going = true;

    const inbound = Array.from({ length: customers }, async (_, n) => {
        for (let i = 0; going; i++) {
            const sid = newSid();
            for (let status = 0; status !== 200; ) {
                ({ status } = await gateway.sandbox({ retry: false }).receive({ from: numberOf(n), body: `${n}/${i}`, sid }, { timeout: 10_000 }));
                if (status !== 200) await breath();
            }
            received.push(sid);
            await breath();
        }
    });
    const outbound = Array.from({ length: customers }, async (_, c) => {
        const to = numberOf(c);
        for (let n = 0; going; ) {
            if (n - reached(to) > ahead) {
                await breath();
                continue;
            }
            // The same key until it was accepted, so however often it is posted, it is one message.
            const answer = await gateway
                .api("/v1/messages", { method: "POST", body: { channel: "support-sms", to: `tel:${to}`, text: String(n) }, headers: { "idempotency-key": `${c}-${n}` } })
                .catch((error: NodeJS.ErrnoException) => (error.name === "AssertionError" ? Promise.reject(error) : undefined));
            if (answer?.status === 202) answers.push({ id: answer.json.id, to, n: n++ });
            else {
                if (answer) assert.equal(answer.status, 503, answer.body.toString());
                await breath();
            }
        }
    });
    const drivers = Promise.all([...inbound, ...outbound]);
    /** Waits until that many more have left: load flows both ways, wherever the kill then hits. */
    const flow = (more: number) => {
        const goal = api.accepted.all.length + more;
        return Promise.race([drivers, until(async () => api.accepted.all.length >= goal, `${more} more messages at the provider`, 60_000)]);
    };

    for (let i = 0; i < gatewayKills; i++) {
        await flow(20 + ((i * 37) % 90));
        await gateway.kill9();
        await gateway.up();
        if (i % 10 === 5) {
            await flow(50);
            await gateway.cluster.down(databaseKills[Math.floor(i / 10)]!);
            await gateway.cluster.up();
        }
    }
    await flow(100);
    going = false;
    await drivers;
    await until(async () => (await gateway.count("delivery")) === 0, "the last delivery", 120_000);
    await api.receipts.idle();
    await api.receipts.repeat();
    await until(async () => (await gateway.count("receipt where pending")) === 0, "every receipt to be looked at", 120_000);

    // What left, by the message that it is.
    const byMessage = new Map<string, Message[]>();
    for (const sms of api.accepted.all) {
        const id = new URL(sms.statusCallback!).searchParams.get("message")!;
        byMessage.set(id, [...(byMessage.get(id) ?? []), sms]);
    }
    const doubtful = new Set(
        (await gateway.sql("select message_id from gateway.attempt where outcome = 'uncertain' union select message_id from gateway.event where type = 'message.uncertain'")).split("\n"),
    );
    const statuses = new Map((await gateway.sql("select message_id, status from gateway.message where kind = 'outgoing'")).split("\n").map((row) => row.split("|") as [string, string]));
    assert.ok(answers.length > 500, `only ${answers.length} were accepted: no load`);
    assert.equal(statuses.size, answers.length, "one message for each answer, however often it was posted");
    let twice = 0;
    for (const { id, to, n } of answers) {
        const left = byMessage.get(id) ?? [];
        assert.ok(left.length >= 1, `${to} ${n} (${statuses.get(id)}) has not left`);
        for (const sms of left) assert.deepEqual([sms.to, sms.body], [to, String(n)]);
        if (left.length > 1) {
            twice++;
            assert.ok(doubtful.has(id), `${to} ${n} left ${left.length} times, and nobody was in doubt`);
        }
        assert.equal(statuses.get(id), fates[Number(to.slice(-4)) % 4], `${to} ${n}: ${left.map(({ status }) => status)}`);
    }
    assert.equal(byMessage.size, answers.length, "nothing left that was never accepted");
    for (let c = 0; c < customers; c++) {
        const line = api.accepted.all.filter((sms) => sms.to === numberOf(c)).map(({ body }) => Number(body));
        assert.deepEqual(line, [...line].sort((a, b) => a - b), `${numberOf(c)}: never out of order`);
    }

    const stored = new Set((await gateway.sql("select external_id from gateway.message where kind = 'incoming'")).split("\n"));
    assert.equal(stored.size, received.length);
    for (const sid of received) assert.ok(stored.has(sid));
    assert.equal(await gateway.count("message where kind = 'incoming'"), received.length, "each once");
    assert.equal(
        await gateway.sql("select count (*) = max (number) and min (number) = 1 from gateway.event join gateway.account using (account_id) where slug = 'acme'"),
        "t", "events without gap",
    );
    console.log(`# ledger_out: ${received.length} in, ${answers.length} out, ${twice} of them twice, ${doubtful.size} in doubt; ${gatewayKills} kills of the gateway, ${databaseKills.length} of PostgreSQL`);
});
