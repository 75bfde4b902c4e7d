// SPDX-License-Identifier: Apache-2.0
//
// The way in: acknowledged messages over HTTP beside what PostgreSQL does alone, from commit to screen, size, and speed with much stored.

import * as fs from "node:fs";
import { newGraph, type Gateway } from "../tests/talk/harness.js";
import { costed, load, median, pgbench, report, run, startGateway, type Load } from "./measure.js";

/** A load whose rows are counted. */
async function countedLoad(gateway: Gateway, messages: number, connections: number, extra: string[] = [], sender: Parameters<typeof load>[4] = "twilio"): Promise<Load> {
    const before = await gateway.count("message");
    const result = await load(gateway, messages, connections, extra, sender);
    const stored = (await gateway.count("message")) - before;
    if (stored !== result.acknowledged) throw new Error(`${result.acknowledged} acknowledged, but ${stored} stored`);
    return result;
}

/** Calls of bench.store; messages a second by counted rows. */
async function store(gateway: Gateway, clients: number, batch: number, seconds: number, accounts: number): Promise<number> {
    const before = await gateway.count("message");
    const began = performance.now();
    await pgbench(gateway, `select bench.store (${batch}, 10000, ${accounts})`, clients, { seconds });
    const took = (performance.now() - began) / 1000;
    return ((await gateway.count("message")) - before) / took;
}

/** Resident memory of the gateway in megabytes. */
function resident(gateway: Gateway): number {
    const status = fs.readFileSync(`/proc/${gateway.pid}/status`, "utf8");
    return Number(/VmRSS:\s+(\d+)/.exec(status)![1]) / 1024;
}

async function inboxPage(gateway: Gateway): Promise<number> {
    const times: number[] = [];
    for (let i = 0; i < 50; i++) {
        const began = performance.now();
        await gateway.tickets();
        times.push(performance.now() - began);
    }
    return median(times);
}

async function screen(gateway: Gateway, rate: number): Promise<number> {
    const stream = gateway.sse({ after: Number((await gateway.tickets("?limit=1")).at) });
    await stream.opened;
    // A probe every 100 ms, from its acknowledgement (which comes after COMMIT) to its event at the client.
    const acknowledged = new Map<string, number>();
    const before = await gateway.count("message");
    const loading = load(gateway, rate * 6, 64, ["--rate", String(rate)]);
    for (let i = 0; i < 40; i++) {
        const { sid } = await gateway.twilio.receive({ from: `+1666${String(i).padStart(7, "0")}`, body: "probe" });
        acknowledged.set(sid, performance.now());
        await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const delays: number[] = [];
    while (delays.length < 40) {
        const { value, done } = await stream.next();
        if (done) throw new Error("the stream ended");
        if (value.event !== "message.received" || !value.data.includes("probe")) continue;
        const sid = (JSON.parse(value.data) as { data: { message: { external_id: string } } }).data.message.external_id;
        const at = acknowledged.get(sid);
        if (at !== undefined) delays.push(Math.max(0, stream.arrivals.get(value.id)! - at));
    }
    stream.close();
    const stored = (await loading).acknowledged + acknowledged.size;
    if ((await gateway.count("message")) - before !== stored) throw new Error(`${stored} acknowledged, another number stored`);
    return delays.sort((a, b) => a - b)[38]!;
}

/** Resident with a thousand streams, each of which has told of a message. They come a hundred at a time: more at one instant may be told to come again. */
async function memory(gateway: Gateway): Promise<number> {
    const streams: ReturnType<Gateway["sse"]>[] = [];
    while (streams.length < 1000) {
        const more = Array.from({ length: 100 }, () => gateway.sse({}));
        for (const stream of more) if ((await stream.opened).statusCode !== 200) throw new Error("a stream was refused");
        streams.push(...more);
    }
    await gateway.twilio.receive({ from: "+15557654321", body: "to all" });
    for (const stream of streams) {
        for (let told = false; !told; ) {
            const { value, done } = await stream.next();
            if (done) throw new Error("a stream ended");
            told = value.event === "message.received";
        }
    }
    const size = resident(gateway);
    for (const stream of streams) stream.close();
    return size;
}

/** What loads left for autovacuum, the checkpointer and the kernel to do later would be done beside what is measured next. */
async function rest(gateway: Gateway): Promise<void> {
    await gateway.sql("vacuum analyze");
    await gateway.sql("checkpoint");
    await run("sync");
}

/** Meta's webhooks beside Twilio's, in turn, each from as many senders. */
export async function measureWhatsApp(rounds: number): Promise<void> {
    const gateway = await startGateway("bench-whatsapp", { graph: newGraph() });
    const rates = { twilio: [] as number[], whatsapp: [] as number[] };
    for (let round = 0; round < rounds; round++)
        for (const sender of ["twilio", "whatsapp"] as const) {
            rates[sender].push((await costed(gateway, 40_000, `in over HTTP, ${sender}`, () => countedLoad(gateway, 40_000, 256, [], sender))).rate);
            await run("sync");
        }
    report("WhatsApp in over HTTP, signatures checked, 256 connections", median(rates.whatsapp), NaN, "messages/s");
    report("WhatsApp in over HTTP, against Twilio's", median(rates.whatsapp) / median(rates.twilio), 0.7, "ratio");
    const batch = await thousand(gateway);
    report("a thousand messages in one of Meta's requests, to its 200", batch, 1, "s", true);
    await gateway.stop();
}

/** Seconds; the median of five. */
async function thousand(gateway: Gateway): Promise<number> {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) {
        const before = await gateway.count("message");
        const messages = Array.from({ length: 1000 }, (_, i) => ({ from: `1666${String(i % 100).padStart(7, "0")}`, text: `message ${i}` }));
        const { status, ms } = await gateway.graph.speaker().receiveAll(messages);
        if (status !== 200 || (await gateway.count("message")) - before !== 1000) throw new Error(`answered ${status}, and not all is stored`);
        times.push(ms / 1000);
    }
    return median(times);
}

export async function measureIn(rounds: number, storedRows: number): Promise<void> {
    const newcomers = 10_000;
    const young: number[] = [], later: number[] = [];
    let gateway = await startGateway("bench-in");
    for (let round = 0; round < 3; round++) {
        if (round > 0) {
            await gateway.stop();
            gateway = await startGateway("bench-in");
        }
        young.push((await countedLoad(gateway, 30_000, 256, ["--senders", String(newcomers)])).rate);
    }
    const single: number[] = [], batch: number[] = [], http: number[] = [], p99: number[] = [], seen: number[] = [];
    const clients = [8, 16, 32, 64];
    for (let round = 1; round <= rounds; round++) {
        const best = round === 1 ? clients : [clients[0]!, clients[1]!];
        single.push(Math.max(...(await best.reduce<Promise<number[]>>(async (all, n) => [...(await all), await store(gateway, n, 1, 4, 20)], Promise.resolve([])))));
        batch.push(await store(gateway, 1, 128, 4, 1));
        http.push((await costed(gateway, 40_000, "in over HTTP", () => countedLoad(gateway, 40_000, 256))).rate);
        await run("sync"); // not a checkpoint: after one, every page's first change is written whole
        const half = Math.floor(median(http) / 2);
        p99.push((await countedLoad(gateway, half * 5, 64, ["--rate", String(half)])).p99);
        seen.push(await screen(gateway, half));
        console.log(`     (at half load, ${half}/s: ${p99.at(-1)} ms to the answer and ${Math.round(seen.at(-1)!)} ms to the screen)`);
    }
    const s = median(single), b = median(batch), h = median(http);
    report("pgbench, one transaction a message, best of 8 to 64 clients", s, NaN, "messages/s");
    report("intake() itself, batches of 128, one connection", b, 4 * s, "messages/s");
    report("in over HTTP, signatures checked, 256 connections", h, Math.max(3 * s, 0.6 * b), "messages/s");
    for (let round = 0; round < 3; round++)
        later.push((await countedLoad(gateway, 30_000, 256, ["--senders", String(newcomers), "--first-sender", String(5_000_000 + round * newcomers)])).rate);
    report("in over HTTP from an empty database, against as many new senders later", median(young) / median(later), 0.7, "ratio");
    report("99th percentile at half load", median(p99), 25, "ms", true);
    report("commit to screen at half load, 99th percentile", median(seen), 50, "ms", true);
    const half = Math.floor(h / 2);
    const minute = await countedLoad(gateway, half * 60, 64, ["--rate", String(half)]);
    report("99th percentile over a minute at half load, the disk's stalls in it", minute.p99, NaN, "ms", true);
    report("resident with more than 10,000 open tickets and 1,000 event streams", await memory(gateway), 64, "MB", true);
    const page = await inboxPage(gateway);

    while ((await gateway.count("message")) < storedRows) await store(gateway, 2, 128, 10, 1);
    await rest(gateway);
    const full: number[] = [];
    for (let round = 0; round < 3; round++) full.push((await countedLoad(gateway, 40_000, 256)).rate);
    report(`in over HTTP with ${storedRows} messages stored, against before`, median(full) / h, 0.7, "ratio");
    report("first inbox page then, against before", page / (await inboxPage(gateway)), 0.8, "ratio");

    const began = performance.now();
    await gateway.down();
    const stopped = performance.now();
    await gateway.up();
    report("ready after start", (performance.now() - stopped) / 1000, 1, "s", true);
    console.log(`     (drained in ${Math.round(stopped - began)} ms)`);
    await gateway.stop();
}
