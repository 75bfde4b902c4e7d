// SPDX-License-Identifier: Apache-2.0
//
// Four channels of one business: a provider that takes its time, one that hangs, one that is dead, and a good one. The good one's messages
// do not wait for the others. (How much slower it gets is measured in bench.)

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Gateway, newProvider, until } from "./harness.js";

const apis = {
    slow: newProvider("slow", "+15550004000"),
    hung: newProvider("hung", "+15550004001"),
    dead: newProvider("dead", "+15550004002"),
    good: newProvider("good", "+15550004003"),
};
const patient = { timeout: "5m" };
let gateway: Gateway;
before(async () => {
    gateway = await Gateway.start("neighbours", { providers: apis, channels: { slow: patient, hung: patient, dead: patient, good: patient } });
});
after(async () => {
    // What they still owe an answer is cut off, so that the gateway need not wait for it at its end.
    await Promise.all(Object.values(apis).map((api) => api.die()));
    await gateway?.stop();
});

const send = (channel: string, n: number): Promise<string> => gateway.send(`+155564${String(n).padStart(5, "0")}`, `${channel} ${n}`, { channel });

test("beside a slow, a hanging and a dead provider the good one's messages go their way", { timeout: 120_000 }, async () => {
    let answers = 0;
    apis.slow.fault({ kind: "late", ms: 3_600_000 });
    const probes = apis.hung.connections.all.length;
    apis.hung.hang();
    await apis.dead.die();
    const bad = ["slow", "hung", "dead"] as const;
    for (let i = 0; i < 40; i++) for (const name of bad) await send(name, i);
    const first = await apis.slow.requests.next(({ method }) => method === "POST");
    void first.answered.then((whole) => (answers += Number(whole)));
    await apis.hung.connections.count(probes + 1);
    await until(async () => (await gateway.count("attempt where outcome = 'retry'")) > 0, "the dead one to be noticed");

    const ids: string[] = [];
    for (let i = 0; i < 100; i++) ids.push(await send("good", i));
    await apis.good.sent(100);
    for (const id of ids) await gateway.reaches(id, "delivered");
    assert.equal(answers, 0, "the slow one's first answer is still awaited");
    assert.ok(!apis.hung.requests.all.some(({ method }) => method === "POST"), "the hanging one has read nothing");
    const delivered = (slug: string) =>
        gateway.count(`message m join gateway.channel c using (account_id, channel_id) where c.slug = '${slug}' and m.status = 'delivered'`);
    assert.deepEqual([await delivered("good"), await delivered("hung"), await delivered("dead")], [100, 0, 0]);
    assert.equal(await gateway.count("attempt a join gateway.message m using (account_id, message_id) join gateway.channel c using (account_id, channel_id) where c.slug = 'good' and a.outcome <> 'sent'"), 0);

    // Nor does the good one's inbox.
    assert.equal((await apis.good.receive({ from: "+15556400000", body: "thank you" })).status, 200);
});
