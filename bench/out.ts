// SPDX-License-Identifier: Apache-2.0
//
// The way out: messages to a provider on loopback (provider.c), beside slow and dead ones and beside bulk, and what the provider says of them later.

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as readline from "node:readline";
import { authToken, accountSid, until, type Gateway } from "../tests/talk/harness.js";
import { costed, load, median, pgbench, quantile, report, startGateway } from "./measure.js";

const nSends = Number(process.env["NS"] ?? 30_000);
const nPairs = 2_000;

interface Arrived {
    messages: number;
    pairs: number;
    disorder: number;
    first: number;
    last: number;
}

class Provider {
    /** Milliseconds since 1970 at which messages with number 0 came, by whom they are to. */
    readonly arrivals = new Map<string, number>();
    readonly #process: ChildProcess;
    readonly #reports: ((report: Arrived) => void)[] = [];
    readonly port: Promise<number>;

    /** delay: milliseconds that it thinks; below 0: for ever. */
    constructor(delay: number) {
        this.#process = spawn("build/bench/provider", ["--delay", String(delay)], { stdio: ["pipe", "pipe", "inherit"] });
        this.port = new Promise((resolve) =>
            readline.createInterface({ input: this.#process.stdout! }).on("line", (line) => {
                const said = JSON.parse(line) as Partial<Arrived> & { port?: number; to?: string; at?: number };
                if (said.port !== undefined) resolve(said.port);
                else if (said.to !== undefined) this.arrivals.set(said.to, said.at! / 1000);
                else this.#reports.shift()!(said as Arrived);
            }),
        );
    }

    /** What came since the last report, once there are n. */
    report(n: number): Promise<Arrived> {
        return new Promise((resolve) => {
            this.#reports.push(resolve);
            this.#process.stdin!.write(`${n}\n`);
        });
    }

    async arrived(number: string): Promise<number> {
        return until(() => Promise.resolve(this.arrivals.get(number)), `a message to ${number}`, 60_000);
    }

    stop(): void {
        this.#process.stdin!.end();
    }
}

/** Of acme's channels support-sms goes to the good provider as fast as that is, the others to a slow one, to a dead one, and in bulk at a rate. */
async function configure(gateway: Gateway, providers: { good: Provider; slow: Provider; dead: Provider }): Promise<void> {
    const url = async (provider: Provider): Promise<string> => `allow_private: true, api_url: "http://127.0.0.1:${await provider.port}"`;
    const channel = (slug: string, from: string, more: string): string =>
        `      ${slug}: {adapter: twilio, account_sid: ${accountSid}, auth_token: "${authToken}", from: "${from}", ${more}}\n`;
    const channels =
        channel("support-sms", "+15550001111", `concurrency: 64, ${await url(providers.good)}`) +
        channel("slow-sms", "+15550002222", await url(providers.slow)) +
        channel("dead-sms", "+15550004444", `timeout: 3s, ${await url(providers.dead)}`) +
        channel("bulk-sms", "+15550005555", `rate: 10/s, ${await url(providers.good)}`);
    fs.writeFileSync(gateway.configFile, gateway.config().replace(/( {4}channels:\n)[^]*?(?= {2}globex:)/, (_, head: string) => head + channels));
    await gateway.restart();
}

async function channelId(gateway: Gateway, slug: string): Promise<string> {
    return gateway.sql(`select channel_id from gateway.channel where slug = '${slug}' order by 1 limit 1`);
}

/** Nothing more is claimed of a channel of acme's once this has resolved. */
async function pause(gateway: Gateway, slug: string): Promise<void> {
    const id = await channelId(gateway, slug);
    await gateway.sql(`insert into gateway.channel_state (account_id, channel_id, since, paused_at)
        select account_id, channel_id, now(), now() from gateway.channel where channel_id = ${id}
        on conflict (account_id, channel_id) do update set paused_at = now()`);
    // The gateway looks when it renews its lease, which is for ten seconds.
    await until(async () => (await gateway.sql(`select l.until > s.paused_at + interval '11 s'
        from gateway.channel_lease l join gateway.channel_state s using (account_id, channel_id) where channel_id = ${id}`)) === "t", "the channel to be paused");
}

async function resume(gateway: Gateway, slug: string): Promise<void> {
    await gateway.sql(`update gateway.channel_state set paused_at = null where channel_id = ${await channelId(gateway, slug)}`);
}

/** Queues messages, a hundred a transaction. */
async function enqueue(gateway: Gateway, n: number, channel: string, firstPerson: number, people: number, lane = "normal"): Promise<void> {
    await gateway.sql("select setval ('bench.outgoing', 1, false)");
    await pgbench(gateway, `select bench.send (100, '${channel}', ${firstPerson}, ${people}, '${lane}')`, 1, { transactions: n / 100 });
}

const left = (gateway: Gateway, id: string): Promise<number> => gateway.count(`delivery where channel_id = ${id}`);

/** Sends a second: messages that were queued before, from the first that arrived at the provider to the last; counted, and each in its order. */
async function sends(gateway: Gateway, provider: Provider): Promise<number> {
    const id = await channelId(gateway, "support-sms");
    await pause(gateway, "support-sms");
    await enqueue(gateway, nSends, "support-sms", 0, nPairs);
    const sent = await gateway.count("message where kind = 'outgoing' and status = 'sent'");
    const arrived = await costed(gateway, nSends, "out", async () => {
        await resume(gateway, "support-sms");
        return provider.report(nSends);
    });
    await until(async () => (await left(gateway, id)) === 0, "all to be settled");
    assert.deepEqual([arrived.messages, arrived.pairs, arrived.disorder], [nSends, nPairs, 0], "each came once, in its order");
    assert.equal(await gateway.count("message where kind = 'outgoing' and status = 'sent'"), sent + nSends);
    return nSends / ((arrived.last - arrived.first) / 1e6);
}

let nPosts = 0;
const stranger = (): string => `+1777${String(++nPosts).padStart(7, "0")}`;
/** Posts a message, to somebody new, and waits until it has arrived; milliseconds from the POST's own time to then. */
async function trip(gateway: Gateway, provider: Provider, channel = "support-sms", to = stranger()): Promise<number> {
    const answer = await gateway.api("/v1/messages", { method: "POST", body: { channel, to: `tel:${to}`, text: "0 An answer." } });
    assert.equal(answer.status, 202, answer.body.toString());
    return (await provider.arrived(to)) - Date.parse(answer.json.created_at);
}

/** Twenty-five messages a second. */
async function trips(gateway: Gateway, provider: Provider, n: number): Promise<number[]> {
    const all: Promise<number>[] = [];
    for (let i = 0; i < n; i++) {
        all.push(trip(gateway, provider));
        await new Promise((resolve) => setTimeout(resolve, 40));
    }
    return Promise.all(all);
}

/** How much longer an answer takes to a good provider while others have all the calls they may to a slow and to a dead one. */
async function neighbours(gateway: Gateway, good: Provider, rounds: number): Promise<void> {
    const alone: number[] = [], beside: number[] = [];
    const bad = ["slow-sms", "dead-sms"];
    for (let round = 0; round < rounds; round++) {
        for (const slug of bad) await pause(gateway, slug);
        for (const [i, slug] of bad.entries()) await enqueue(gateway, 1000, slug, 100_000 * (round * 2 + i + 1), 1000);
        alone.push(...(await trips(gateway, good, 100)));
        for (const slug of bad) await resume(gateway, slug);
        await until(async () => (await gateway.count("delivery where claim_id is not null")) >= 20, "neighbours to be busy");
        beside.push(...(await trips(gateway, good, 100)));
    }
    for (const slug of bad) await drop(gateway, slug);
    console.log(`     (medians ${median(alone).toFixed(1)} and ${median(beside).toFixed(1)} ms)`);
    report("from POST to a good provider, 99th percentile", quantile(alone, 0.99), NaN, "ms", true);
    report("the same beside one that takes 200 ms and one that never answers", quantile(beside, 0.99), 2 * quantile(alone, 0.99), "ms", true);
}

/** What was not sent on a channel, and will not be. */
async function drop(gateway: Gateway, slug: string): Promise<void> {
    await pause(gateway, slug);
    await gateway.sql(`with gone as (delete from gateway.delivery where channel_id = ${await channelId(gateway, slug)} returning account_id, message_id)
        update gateway.message m set status = 'canceled' from gone where m.account_id = gone.account_id and m.message_id = gone.message_id`);
}

/** Every message that was sent is said to be delivered, while somebody looks at the inbox all the time. */
async function receipts(gateway: Gateway): Promise<void> {
    const file = `${gateway.directory}/receipts`;
    const lines = await gateway.sql(`select p.external_id || ' ' || m.message_id || ' ' || substr (m.to_uri, 5)
        from gateway.message m join gateway.part p using (account_id, message_id)
        where m.status = 'sent' and m.channel_id = ${await channelId(gateway, "support-sms")} order by m.message_id desc limit ${nSends}`);
    const n = lines.split("\n").length;
    fs.writeFileSync(file, lines);
    const delivered = (): Promise<number> => gateway.count("message where status = 'delivered'");
    const before = await delivered();
    const times: number[] = [];
    let over = false;
    const looking = (async () => {
        while (!over) {
            const began = performance.now();
            await gateway.tickets();
            times.push(performance.now() - began);
            await new Promise((resolve) => setTimeout(resolve, 20));
        }
    })();
    const began = performance.now();
    await costed(gateway, n, "receipts", async () => {
        await load(gateway, file, 16, ["--rate", "1000"]);
        await until(async () => (await gateway.count("receipt where pending")) === 0, "all receipts to be matched", 120_000);
    });
    const seconds = (performance.now() - began) / 1000;
    over = true;
    await looking;
    assert.equal((await delivered()) - before, n, "each message is delivered");
    report(`${n} receipts, until all are with their messages`, seconds, 60, "s", true);
    report("first inbox page meanwhile, 99th percentile", quantile(times, 0.99), 50, "ms", true);
}

/** Agents' replies on a channel that has ten thousand others to send, ten a second; the last to somebody who waits for one of those. */
async function bulk(gateway: Gateway, provider: Provider): Promise<void> {
    await pause(gateway, "bulk-sms");
    await enqueue(gateway, 10_000, "bulk-sms", 3_000_000, 10_000, "bulk");
    await resume(gateway, "bulk-sms");
    await provider.report(10);
    const times: number[] = [];
    for (const to of [stranger(), stranger(), stranger(), stranger(), "+16663009999"]) times.push(await trip(gateway, provider, "bulk-sms", to));
    await drop(gateway, "bulk-sms");
    report("an answer beside 10,000 that leave at 10/s, the slowest of five", Math.max(...times) / 1000, 2, "s", true);
}

export async function measureOut(rounds: number): Promise<void> {
    const gateway = await startGateway("bench-out", { limits: { calls_per_host: 200 } });
    const good = new Provider(0), slow = new Provider(200), dead = new Provider(-1);
    await configure(gateway, { good, slow, dead });
    const rates: number[] = [];
    for (let round = 0; round < rounds; round++) rates.push(await sends(gateway, good));
    report(`out, ${nSends} messages on ${nPairs} lines, order kept`, median(rates), 3000, "sends/s");
    await receipts(gateway);
    await neighbours(gateway, good, rounds);
    await bulk(gateway, good);
    for (const provider of [dead, slow, good]) provider.stop();
    await gateway.stop();
}
