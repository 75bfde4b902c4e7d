// SPDX-License-Identifier: Apache-2.0
//
// One gateway as its users meet it: the real binary, a real PostgreSQL, a configuration file, Twilio's sandbox. Every answer of the API is
// held against docs/openapi.json.
//
//     const gateway = await Gateway.start ("inbox");
//     await gateway.twilio.receive ({ from: "+15551230001", body: "Hello" });
//     const { data } = await gateway.get ("/v1/tickets");
//     await gateway.stop ();

import assert from "node:assert/strict";
import { execFile, spawn, type ChildProcess } from "node:child_process";
import * as fs from "node:fs";
import * as http from "node:http";
import * as net from "node:net";
import * as path from "node:path";
import type { GraphNumber, Person } from "../../sandbox/graph.js";
import { GraphApi } from "../../sandbox/graph_api.js";
import { request, type Answer } from "../../sandbox/http.js";
import { SseParser, type SseEvent } from "../../sandbox/sse.js";
import { TwilioSandbox, type TwilioOptions } from "../../sandbox/twilio.js";
import { TwilioApi } from "../../sandbox/twilio_api.js";
import { Cluster, onExit } from "./cluster.js";
import { checkAnswer } from "./contract.js";

export const binary = path.resolve(process.env["SB_BIN"] ?? "build/switchboard");
export const publicUrl = "https://gw.example.com";
export const authToken = "0123456789abcdef0123456789abcdef";
export const accountSid = "AC00000000000000000000000000000001";
/** The app at Meta, to which all of acme's WhatsApp numbers belong. */
export const meta = { accessToken: "EAAG0123456789", appSecret: "fedcba9876543210fedcba9876543210", verifyToken: "verify-us" };
export const waNumber: GraphNumber = { id: "106540352242922", display: "15550004444", waba: "102290129340398" };

/* The parts of the API's objects that tests read. */
export interface Ticket {
    id: string;
    number: number;
    status: string;
    channel: { slug: string; adapter: string };
    contact: { id: string; name: string | null; address: string };
    unread: number;
    last_message: { id: string; number: number; text: string | null } | null;
    created_at: string;
    updated_at: string;
    version: number;
}
export interface Message {
    id: string;
    number: number;
    ticket_id: string;
    kind: string;
    from: string;
    to: string;
    content: { kind: string; text?: string; repaired?: boolean; raw?: string; [member: string]: unknown };
    text: string;
    attachments: { id: string; mime: string | null; name: string | null; size: number | null; status: string; error: string | null }[];
    status: string;
    external_id: string;
    created_at: string;
}
export interface Event {
    number: number;
    type: string;
    at: string;
    ticket_id: string | null;
    message_id: string | null;
    data: { ticket?: Ticket; message?: Message; contact?: { id: string }; quarantine?: { id: string }; channel?: ChannelHealth };
}
export interface ChannelHealth {
    slug: string;
    health: string;
    cause: string | null;
    remedy: string | null;
}
export interface Page<T, Next = string> {
    data: T[];
    next: Next | null;
    at: number;
}
export type MessageList = Page<Message>;

export interface ApiOptions {
    method?: string;
    body?: unknown;
    /** null: no Authorization header. Default: the key of acme that may do everything. */
    key?: string | null;
    headers?: http.OutgoingHttpHeaders;
}
export interface ApiAnswer extends Answer {
    json: any;
}

export interface Output {
    code: number;
    stdout: string;
    stderr: string;
}

export interface Options {
    /** A PostgreSQL of its own, because the test kills it. */
    ownCluster?: boolean;
    /** Lines of YAML for `limits:`. */
    limits?: Record<string, string | number>;
    /** Further settings of acme's support-sms. */
    channel?: Settings;
    /** Twilios that one channel alone calls, by its name: support-sms, or further channels of acme. See newProvider. */
    providers?: Record<string, TwilioApi>;
    /** Further settings of the further channels; one that has no Twilio there says `from`, and calls `api_url` or provider. */
    channels?: Record<string, Settings>;
    /** Meta, for acme's WhatsApp channels: see newGraph. Its own number is the channel wa. */
    graph?: GraphApi;
    /** Further settings of wa, and of further WhatsApp channels, which say `phone_number_id`. */
    whatsapp?: Record<string, Settings>;
}
export type Settings = Record<string, string | number | boolean>;

export class Gateway {
    url = "";
    ops = "";
    /** Acme's key for everything. */
    key = "";
    /** Globex is the other account. */
    otherKey = "";
    /** acme's support-sms. */
    twilio!: TwilioSandbox;
    /** Where channels call that have no Twilio of their own. */
    readonly provider = sharedProvider();
    /** Standard error of all runs, also kept in the log file. */
    readonly log: string;
    #process: ChildProcess | undefined;
    #ended: Promise<number | string> = Promise.resolve(0);
    #forget: () => void = () => undefined;
    /** It lives in another one's database and folder. */
    #guest = false;
    readonly #agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

    private constructor(
        readonly cluster: Cluster,
        readonly database: string,
        readonly databaseUrl: string,
        readonly directory: string,
        readonly options: Options,
        log = "log",
    ) {
        this.log = path.join(directory, log);
    }

    static async start(name: string, options: Options = {}): Promise<Gateway> {
        assert.ok(fs.existsSync(binary), `there is no ${binary}: make it, or name another in SB_BIN`);
        const cluster = options.ownCluster ? await Cluster.start() : await Cluster.shared();
        const database = `${name}_${process.pid}`;
        const url = await cluster.database(database);
        fs.mkdirSync("build/talk", { recursive: true });
        const directory = fs.mkdtempSync(path.resolve("build/talk", `${name}-`));
        const gateway = new Gateway(cluster, database, url, directory, options);
        try {
            await gateway.#begin();
        } catch (error) {
            // What was started would keep the test's process alive for ever.
            await gateway.kill9();
            await gateway.#stopWorld();
            throw error;
        }
        return gateway;
    }

    /** A second gateway with the same configuration file and database. It is stopped before the first. */
    static async beside(first: Gateway): Promise<Gateway> {
        const gateway = new Gateway(first.cluster, first.database, first.databaseUrl, first.directory, first.options, "log-2");
        gateway.#guest = true;
        gateway.key = first.key;
        gateway.otherKey = first.otherKey;
        await gateway.up();
        return gateway;
    }

    async #begin(): Promise<void> {
        await Promise.all([...this.#providers.map((provider) => provider.start()), this.options.graph?.start()]);
        fs.writeFileSync(this.configFile, this.config());
        await this.must(["migrate"]);
        await this.up();
        this.key = await this.makeKey("acme");
        this.otherKey = await this.makeKey("globex");
    }

    get #providers(): TwilioApi[] {
        return [this.provider, ...Object.values(this.options.providers ?? {})];
    }

    async #stopWorld(): Promise<void> {
        await Promise.all([...this.#providers.map((provider) => provider.stop()), this.options.graph?.stop(), this.cluster.stop()]);
    }

    /** Meta, where the test has one. */
    get graph(): GraphApi {
        assert.ok(this.options.graph, "this gateway has no WhatsApp channel");
        return this.options.graph;
    }

    get configFile(): string {
        return path.join(this.directory, "switchboard.yaml");
    }

    config(): string {
        const limits = Object.entries(this.options.limits ?? {});
        const channel = (name: string, from: string, { url }: TwilioApi, more: Settings = {}): string => {
            const settings = Object.entries({ api_url: url, allow_private: true, ...more }).map(([key, value]) => `, ${key}: ${JSON.stringify(value)}`);
            return `      ${name}: {adapter: twilio, account_sid: ${accountSid}, auth_token: "\${TWILIO_TOKEN}", from: "${from}"${settings.join("")}}\n`;
        };
        const { "support-sms": own = this.provider, ...others } = this.options.providers ?? {};
        const settings = this.options.channels ?? {};
        const further = Object.entries(others).map(([name, provider]) => channel(name, provider.options.number, provider, settings[name]));
        for (const [name, { from, ...more }] of Object.entries(settings)) if (!others[name]) further.push(channel(name, String(from), this.provider, more));
        for (const [name, more] of Object.entries(this.options.graph ? { wa: {}, ...this.options.whatsapp } : {})) further.push(this.#whatsapp(name, more));
        return `listen: {http: "127.0.0.1:0", public_url: "${publicUrl}", ops: "127.0.0.1:0"}
database: {url: "${this.databaseUrl}", connections: 4}
storage: {directory: "${this.directory}/media"}
${limits.length ? `limits: {${limits.map(([name, value]) => `${name}: ${value}`).join(", ")}}\n` : ""}accounts:
  acme:
    name: Acme Ltd
    channels:
${channel("support-sms", "+15550001111", own, this.options.channel)}${channel("sales-sms", "+15550002222", this.provider)}${further.join("")}  globex:
    name: Globex
    channels:
${channel("support-sms", "+15550003333", this.provider)}`;
    }

    #whatsapp(name: string, more: Settings): string {
        const { options, url } = this.graph;
        const { id, display, waba } = options.number;
        const settings = {
            adapter: "whatsapp", phone_number_id: id, access_token: "${WA_TOKEN}", app_secret: "${WA_SECRET}", verify_token: "${WA_VERIFY}", waba_id: waba,
            ...(name === "wa" ? { from: `+${display}` } : {}), api_url: url, allow_private: true, ...more,
        };
        return `      ${name}: {${Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}`).join(", ")}}\n`;
    }

    #environment(): NodeJS.ProcessEnv {
        return {
            ...process.env, SWITCHBOARD_CONFIG: this.configFile, TWILIO_TOKEN: authToken,
            WA_TOKEN: meta.accessToken, WA_SECRET: meta.appSecret, WA_VERIFY: meta.verifyToken,
        };
    }

    /** Runs a command of the binary to its end. */
    command(args: string[]): Promise<Output> {
        return new Promise((resolve) => {
            execFile(binary, args, { env: this.#environment(), maxBuffer: 64 << 20 }, (error, stdout, stderr) =>
                resolve({ code: error ? (typeof error.code === "number" ? error.code : 128) : 0, stdout, stderr }),
            );
        });
    }

    async must(args: string[]): Promise<string> {
        const { code, stdout, stderr } = await this.command(args);
        assert.equal(code, 0, `switchboard ${args.join(" ")} failed:\n${stderr}`);
        return stdout;
    }

    async makeKey(account: string, scopes?: string): Promise<string> {
        const out = await this.must(["key", "create", "--account", account, "--name", "ci", ...(scopes ? ["--scopes", scopes] : [])]);
        assert.match(out, /^sb_\w+\n$/, "the key stands alone on standard output");
        return out.trim();
    }

    /** Starts `serve` and waits for the line that says where it listens. */
    async up(): Promise<void> {
        const log = fs.openSync(this.log, "a");
        const child = spawn(binary, ["serve"], { env: this.#environment(), stdio: ["ignore", "pipe", log] });
        fs.closeSync(log);
        this.#process = child;
        this.#forget = onExit(() => child.kill("SIGKILL"));
        this.#ended = new Promise((resolve) => {
            child.once("error", (error) => resolve(error.message));
            child.once("exit", (code, signal) => resolve(code ?? signal ?? 0));
        });
        const line = await Promise.race([firstLine(child), this.#ended]);
        const ready = typeof line === "string" ? /^ready (http:\/\/\S+) ops (http:\/\/\S+)$/.exec(line) : null;
        if (!ready) {
            child.kill("SIGKILL");
            throw new Error(`the gateway did not get ready: ${String(line)}\n${fs.readFileSync(this.log, "utf8").slice(-4000)}`);
        }
        this.url = ready[1]!;
        this.ops = ready[2]!;
        this.twilio = this.sandbox({});
        if (this.#guest) return;
        for (const provider of Object.values(this.options.providers ?? {})) provider.gateway = this.url;
        if (this.options.graph) this.options.graph.gateway = this.url;
    }

    /** Twilio for another channel or with other habits. */
    sandbox(options: Partial<TwilioOptions> & { account?: string; channel?: string }): TwilioSandbox {
        const hook = `/hooks/${options.account ?? "acme"}/${options.channel ?? "support-sms"}`;
        return new TwilioSandbox({
            accountSid,
            authToken,
            number: "+15550001111",
            webhookUrl: this.url + hook,
            publicUrl: publicUrl + hook,
            agent: this.#agent,
            ...options,
        });
    }

    /** One API request; its answer must be one that docs/openapi.json describes. */
    async api(target: string, options: ApiOptions = {}): Promise<ApiAnswer> {
        const method = options.method ?? "GET";
        const raw = typeof options.body === "string" || Buffer.isBuffer(options.body);
        const body = options.body === undefined ? undefined : raw ? (options.body as string | Buffer) : JSON.stringify(options.body);
        const headers: http.OutgoingHttpHeaders = {};
        if (options.key !== null) headers["authorization"] = `Bearer ${options.key ?? this.key}`;
        if (body !== undefined) headers["content-type"] = "application/json";
        const answer = await request(this.url + target, { method, body, headers: { ...headers, ...options.headers }, agent: this.#agent });
        checkAnswer(method, target, answer);
        const type = String(answer.headers["content-type"]);
        return { ...answer, json: /json/.test(type) ? JSON.parse(answer.body.toString()) : undefined };
    }

    /** GET that must succeed; the body. */
    async get<T = any>(target: string, options: ApiOptions = {}): Promise<T> {
        const answer = await this.api(target, options);
        assert.equal(answer.status, 200, `${target}: ${answer.body.toString()}`);
        return answer.json as T;
    }

    /** A new customer says hello on support-sms; their ticket. */
    async newTicket(from = newNumber()): Promise<{ id: string; from: string }> {
        const twilio = this.options.providers?.["support-sms"] ?? this.twilio;
        assert.equal((await twilio.receive({ from, body: "hello" })).status, 200);
        return { id: (await this.ticketOf(from)).id, from };
    }

    /** A message to a number, which must be taken; its id. */
    send(to: string, text: string, more: { channel?: string; lane?: string } = {}): Promise<string> {
        return this.#taken("/v1/messages", { channel: "support-sms", to: `tel:${to}`, text, ...more });
    }

    /** An answer to a ticket, which must be taken; its id. */
    reply(ticket: string, text: string, more: { attachments?: string[] } = {}): Promise<string> {
        return this.#taken(`/v1/tickets/${ticket}/messages`, { text, ...more });
    }

    /** The same with whatever a message may have. */
    say(ticket: string, body: object): Promise<string> {
        return this.#taken(`/v1/tickets/${ticket}/messages`, body);
    }

    async #taken(target: string, body: object): Promise<string> {
        const answer = await this.api(target, { method: "POST", body });
        assert.equal(answer.status, 202, answer.body.toString());
        return answer.json.id;
    }

    /** The message, once that is its status. */
    async reaches(id: string, status: string): Promise<any> {
        let message: any;
        await until(
            async () => (message = await this.get(`/v1/messages/${id}`)).status === status,
            () => `message ${id} to be ${status}; it is ${JSON.stringify(message)}`,
        );
        return message;
    }

    /** The message, once so many attempts are noted: a receipt may be faster than the note of what it tells of. */
    tried(id: string, times: number): Promise<any> {
        return until(async () => {
            const message = await this.get(`/v1/messages/${id}`);
            return message.attempts.length >= times && message;
        }, `${times} attempts of ${id}`);
    }

    /** Pauses all channels: from the next start what is queued stays queued. */
    pauseAll(): Promise<string> {
        return this.sql("insert into gateway.channel_state (account_id, channel_id, since, paused_at) select account_id, channel_id, now(), now() from gateway.channel on conflict (account_id, channel_id) do update set paused_at = now()");
    }

    tickets(query = ""): Promise<Page<Ticket>> {
        return this.get(`/v1/tickets${query}`);
    }

    /** The ticket whose customer has that number. */
    ticketOf(number: string): Promise<Ticket> {
        return this.ticketAt(`tel:${number}`);
    }

    /** The ticket whose customer has that address; on that channel, where they have written to several. */
    async ticketAt(address: string, channel?: string): Promise<Ticket> {
        const isIt = (ticket: Ticket) => ticket.contact.address === address && (channel === undefined || ticket.channel.slug === channel);
        const found = (await this.all<Ticket>("/v1/tickets")).filter(isIt);
        assert.equal(found.length, 1, `${found.length} tickets of ${address}`);
        return found[0]!;
    }

    messages(ticket: string, query = ""): Promise<Page<Message>> {
        return this.get(`/v1/tickets/${ticket}/messages${query}`);
    }

    /** Every page of a list. */
    async all<T>(target: string): Promise<T[]> {
        const out: T[] = [];
        let cursor: string | null = "";
        while (cursor !== null) {
            const glue = target.includes("?") ? "&" : "?";
            const page: Page<T> = await this.get(`${target}${glue}limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
            out.push(...page.data);
            cursor = page.next;
        }
        return out;
    }

    /** Every event after a number, page by page. */
    async events(after = 0, key?: string): Promise<Event[]> {
        const out: Event[] = [];
        for (let next: number | null = after; next !== null; ) {
            const page: Page<Event, number> = await this.get(`/v1/events?after=${next}&limit=200`, key ? { key } : {});
            out.push(...page.data);
            next = page.next;
        }
        return out;
    }

    /** The event stream. after: as a query; lastEventId: as a client that resumes. Ends the test's patience after `timeout`. */
    sse(options: { after?: number; lastEventId?: number; key?: string } = {}): EventStream {
        const headers: http.OutgoingHttpHeaders = { accept: "text/event-stream", authorization: `Bearer ${options.key ?? this.key}` };
        if (options.lastEventId !== undefined) headers["last-event-id"] = String(options.lastEventId);
        return new EventStream(`${this.url}/v1/events${options.after === undefined ? "" : `?after=${options.after}`}`, headers);
    }

    sql(text: string): Promise<string> {
        return this.cluster.sql(this.database, text);
    }

    async count(from: string): Promise<number> {
        return Number(await this.sql(`select count(*) from gateway.${from}`));
    }

    /** Samples of /metrics by their full name, labels included. */
    async metrics(): Promise<Map<string, number>> {
        const { body, status } = await request(`${this.ops}/metrics`);
        assert.equal(status, 200);
        const samples = new Map<string, number>();
        for (const line of body.toString().split("\n")) {
            const sample = /^([a-zA-Z_:][\w:]*(?:\{.*\})?) (\S+)$/.exec(line);
            if (sample) samples.set(sample[1]!, Number(sample[2]));
        }
        return samples;
    }

    /** Sends bytes as they are and returns all that comes back until the other side closes, or until one answer with a length is whole. */
    wire(bytes: string | Buffer, port = Number(new URL(this.url).port)): Promise<{ text: string; closed: boolean }> {
        return new Promise((resolve, reject) => {
            const socket = net.connect(port, "127.0.0.1", () => socket.write(bytes));
            let text = "";
            const timer = setTimeout(() => {
                socket.destroy();
                resolve({ text, closed: false });
            }, 3000);
            socket.on("data", (chunk) => (text += chunk.toString("latin1")));
            socket.on("error", (error: NodeJS.ErrnoException) => (error.code === "ECONNRESET" || error.code === "EPIPE" ? undefined : reject(error)));
            socket.on("close", () => {
                clearTimeout(timer);
                resolve({ text, closed: true });
            });
        });
    }

    logText(): string {
        return fs.readFileSync(this.log, "utf8");
    }

    signal(name: NodeJS.Signals): void {
        this.#process?.kill(name);
    }

    /** The exit code, or the name of the signal that ended it. */
    get ended(): Promise<number | string> {
        return this.#ended;
    }

    get pid(): number {
        return this.#process?.pid ?? 0;
    }

    async kill9(): Promise<void> {
        this.signal("SIGKILL");
        await this.#ended;
        this.#forget();
    }

    /** SIGTERM; the exit code. */
    async down(): Promise<number | string> {
        this.signal("SIGTERM");
        const code = await this.#ended;
        this.#forget();
        return code;
    }

    async restart(): Promise<void> {
        await this.down();
        await this.up();
    }

    /** Ends all. Where the gateway ended badly, the test fails: a sanitizer's report too. */
    async stop(): Promise<void> {
        this.#agent.destroy();
        const code = await this.down();
        if (!this.#guest) await this.#stopWorld();
        assert.equal(code, 0, `the gateway ended with ${code}:\n${this.logText().slice(-4000)}`);
        if (!this.#guest) fs.rmSync(this.directory, { recursive: true, force: true });
    }
}

/** A Twilio for one channel of acme, with phones and switches, to be named in Options.providers: it starts and stops with the gateway, and knows where
 *  that listens. */
export function newProvider(channel = "support-sms", number = "+15550001111"): TwilioApi {
    return new TwilioApi({ accountSid, authToken, number, publicUrl, hook: `/hooks/acme/${channel}` });
}

/** Twilio as all channels that have none of their own want it. */
function sharedProvider(): TwilioApi {
    const provider = newProvider();
    provider.account.addNumber("+15550002222", `${publicUrl}/hooks/acme/sales-sms`);
    provider.account.addNumber("+15550003333", `${publicUrl}/hooks/globex/support-sms`);
    return provider;
}

/** Meta as the channel wa of acme wants it, to be named in Options.graph: it starts and stops with the gateway, and knows where that listens. */
export function newGraph(): GraphApi {
    return new GraphApi({ ...meta, number: waNumber, hook: "/hooks/acme/wa" });
}

/** What a provider accepted for a number, in order. */
export const bodies = (provider: TwilioApi, to: string): string[] => provider.accepted.all.filter((sms) => sms.to === to).map(({ body }) => body);

let customers = 0;
/** Of a customer whom this test has not met. */
export const newNumber = (): string => `+1555600${String(++customers).padStart(4, "0")}`;

/** On WhatsApp, of a customer whom this test has not met. */
export const newPerson = (name = "Ana"): Required<Pick<Person, "wa_id" | "name">> => ({ wa_id: `1555700${String(++customers).padStart(4, "0")}`, name });

function firstLine(child: ChildProcess): Promise<string> {
    return new Promise((resolve) => {
        let text = "";
        child.stdout!.on("data", (chunk: Buffer) => {
            text += chunk.toString();
            const end = text.indexOf("\n");
            if (end >= 0) resolve(text.slice(0, end));
        });
    });
}

/** Milliseconds after which what is awaited will not come: far more than a loaded machine needs. */
const patience = 60_000;

/** Waits until question answers with a value that is not undefined, false or null; asks again at once, with a breath between. */
export async function until<T>(question: () => Promise<T | undefined | false | null>, what: string | (() => string), timeout = patience): Promise<T> {
    const end = performance.now() + timeout;
    for (;;) {
        const answer = await question().catch((error: unknown) => {
            if (error instanceof assert.AssertionError) throw error;
            return undefined;
        });
        if (answer !== undefined && answer !== false && answer !== null) return answer as T;
        if (performance.now() > end) assert.fail(`waited in vain: ${typeof what === "string" ? what : what()}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

export class EventStream implements AsyncIterableIterator<SseEvent> {
    /** Milliseconds of performance.now() at which each event came, by its id. */
    readonly arrivals = new Map<string, number>();
    readonly opened: Promise<http.IncomingMessage>;
    #waiting: ((result: IteratorResult<SseEvent>) => void) | undefined;
    readonly #queue: SseEvent[] = [];
    #done = false;
    readonly #call: http.ClientRequest;

    constructor(url: string, headers: http.OutgoingHttpHeaders) {
        const parser = new SseParser((event) => {
            this.arrivals.set(event.id, performance.now());
            this.#give(event);
        });
        this.#call = http.get(url, { headers, agent: false });
        this.opened = new Promise((resolve, reject) => {
            this.#call.once("response", resolve);
            this.#call.once("error", reject);
        });
        this.opened.catch(() => undefined);
        this.#call.on("error", () => this.#end());
        this.#call.on("response", (answer) => {
            answer.setEncoding("utf8");
            answer.on("data", (piece: string) => parser.push(piece));
            answer.on("error", () => this.#end());
            answer.on("close", () => this.#end());
        });
    }

    #give(event: SseEvent): void {
        const waiting = this.#waiting;
        this.#waiting = undefined;
        if (waiting) waiting({ value: event, done: false });
        else this.#queue.push(event);
    }

    #end(): void {
        this.#done = true;
        this.#waiting?.({ value: undefined, done: true });
        this.#waiting = undefined;
    }

    [Symbol.asyncIterator](): this {
        return this;
    }

    next(): Promise<IteratorResult<SseEvent>> {
        const event = this.#queue.shift();
        if (event) return Promise.resolve({ value: event, done: false });
        if (this.#done) return Promise.resolve({ value: undefined, done: true });
        return new Promise((resolve) => (this.#waiting = resolve));
    }

    async return(): Promise<IteratorResult<SseEvent>> {
        this.close();
        return { value: undefined, done: true };
    }

    /** The next n events, within timeout milliseconds. */
    async take(n: number, timeout = patience): Promise<SseEvent[]> {
        const out: SseEvent[] = [];
        let timer: NodeJS.Timeout | undefined;
        const late = new Promise<never>((_, reject) => {
            timer = setTimeout(() => reject(new Error(`only ${out.length} of ${n} events came in ${timeout} ms`)), timeout);
        });
        try {
            while (out.length < n) {
                const { value, done } = await Promise.race([this.next(), late]);
                if (done) throw new Error(`the stream ended after ${out.length} of ${n} events`);
                out.push(value);
            }
        } finally {
            clearTimeout(timer);
        }
        return out;
    }

    /** Resolves once the other side has ended the stream. */
    async end(): Promise<void> {
        while (!(await this.next()).done);
    }

    close(): void {
        this.#call.destroy();
        this.#end();
    }
}
