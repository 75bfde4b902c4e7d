// SPDX-License-Identifier: Apache-2.0
//
// The driver keeps its own list of what it sent and what it was answered, while the gateway is killed twenty times and PostgreSQL twice.
// In the end the list and the gateway must agree: every acknowledged message is there exactly once, in its sender's order, and the
// account's events have no gap.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { newSid } from "../../sandbox/twilio.js";
import { Gateway, until, type Event } from "./harness.js";

const gatewayKills = 20;
const databaseKills = ["immediate", "kill"] as const;
const senders = 24;

let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("ledger", { ownCluster: true });
});
after(() => gateway?.stop());

interface Line {
    from: string;
    sid: string;
    body: string;
    /** How often it was sent, and what each try was answered; 0: nothing. */
    statuses: number[];
}

test("every acknowledged message is there exactly once, whatever was killed meanwhile", { timeout: 300_000 }, async () => {
    const ledger: Line[] = [];
    let going = true;
    let acknowledged = 0;
    const drivers = Array.from({ length: senders }, async (_, n) => {
        const from = `+1555777${String(n).padStart(4, "0")}`;
        for (let i = 0; going; i++) {
            const line: Line = { from, sid: newSid(), body: `${n}/${i}`, statuses: [] };
            ledger.push(line);
            // Each sender goes on only when its message was acknowledged: so it has an order. The tries are bounded by the kills.
            while (line.statuses.at(-1) !== 200) {
                const { status } = await gateway.sandbox({ retry: false }).receive({ from, body: line.body, sid: line.sid }, { timeout: 10_000 });
                line.statuses.push(status);
                if (status === 200) acknowledged++;
                else await new Promise((resolve) => setTimeout(resolve, 10)); // a refused connection costs nothing: breathe
            }
            // Every seventh comes again, as providers do.
            if (i % 7 === 0) line.statuses.push((await gateway.sandbox({}).receive({ from, body: line.body, sid: line.sid })).status);
        }
    });
    /** Waits until that many more are acknowledged: load flows, wherever the kill then hits. */
    const flow = (more: number) => {
        const goal = acknowledged + more;
        return until(async () => acknowledged >= goal, `${more} more acknowledgements`, 60_000);
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
    await Promise.all(drivers);

    assert.ok(acknowledged > 1000, `only ${acknowledged} were acknowledged: no load`);
    for (const { statuses } of ledger) for (const status of statuses) assert.ok([0, 200, 503].includes(status), `answered ${status}`);

    const rows = (await gateway.sql("select external_id, from_uri, text, number from gateway.message order by ticket_id, number")).split("\n").map((row) => row.split("|"));
    const stored = new Map<string, string[][]>();
    for (const row of rows) stored.set(row[0]!, [...(stored.get(row[0]!) ?? []), row]);
    for (const line of ledger) {
        const found = stored.get(line.sid) ?? [];
        assert.equal(found.length, 1, `${line.body}: stored ${found.length} times, answered ${line.statuses}`);
        assert.deepEqual(found[0]!.slice(1, 3), [`tel:${line.from}`, line.body]);
    }
    assert.equal(rows.length, ledger.length, "nothing that was never sent");

    const one = await gateway.count("ticket");
    assert.equal(one, senders, "one ticket for each sender");
    assert.equal(await gateway.count("contact"), senders);
    for (let n = 0; n < senders; n++) {
        const from = `+1555777${String(n).padStart(4, "0")}`;
        const mine = rows.filter((row) => row[1] === `tel:${from}`);
        assert.deepEqual(mine.map((row) => Number(row[3])), mine.map((_, i) => i + 1), "numbered without gap");
        assert.deepEqual(mine.map((row) => row[0]), ledger.filter((line) => line.from === from).map((line) => line.sid), "in the order of acknowledgement");
        assert.equal((await gateway.ticketOf(from)).unread, mine.length);
    }

    const events: Event[] = await gateway.events();
    assert.deepEqual(events.map((event) => event.number), events.map((_, i) => i + 1));
    const told = events.filter((event) => event.type === "message.received").map((event) => event.data.message!.external_id);
    assert.equal(told.length, ledger.length);
    assert.equal(new Set(told).size, ledger.length);
    const bare = await gateway.sql("select count(*) from gateway.message m where not exists (select from gateway.journal j where j.account_id = m.account_id and j.journal_id = m.journal_id)");
    assert.equal(bare, "0", "each has its journal entry");
    console.log(`# ledger: ${ledger.length} messages, ${ledger.reduce((sum, line) => sum + line.statuses.length, 0)} requests, ${gatewayKills} kills of the gateway, ${databaseKills.length} of PostgreSQL`);
});
