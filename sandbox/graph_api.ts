// SPDX-License-Identifier: Apache-2.0
//
// Meta's Graph API for WhatsApp, on loopback: messages, files, templates, numbers, customers' phones, receipts; and all that can go wrong with it. The
// gateway's channel has `api_url: <api.url>` and `allow_private: true`. The same server speaks 360dialog's form: paths without version and number,
// and the key in D360-API-KEY. The tests and the page use the same code.
//
//     const graph = new GraphApi ({ accessToken, appSecret, verifyToken, number: { id: "1065", display: "15550001111", waba: "1022" }, hook: "/hooks/acme/wa" });
//     await graph.start ();
//     graph.gateway = "http://127.0.0.1:8080";                 // where it really listens; may change
//     await graph.receive ({ from: { wa_id: "5511987650000", name: "Ana" }, text: "Olá" });
//     graph.fault ({ kind: "error", code: 131053 }, { of: "upload", times: 1 });
//     const message = await graph.next (({ customer }) => customer === "5511987650000");
//     graph.jump (day);                                        // free text is now answered with 131047

import * as http from "node:http";
import { accepts, reply, spoil, type Reply, type Scope } from "./faults.js";
import { GraphSandbox, personOf, type GraphDelivery, type GraphNumber, type GraphVariant, type Inbound, type Json, type Person } from "./graph.js";
import { day, GraphAccount, graphError, titleOf, type GraphMedia, type GraphMessage } from "./graph_account.js";
import { checkFile, checkMessage, GraphFault } from "./graph_checks.js";
import { Kept } from "./kept.js";
import { parseMultipart } from "./multipart.js";
import { Receipts, type Habit, type Status } from "./receipts.js";
import { SwitchedApi } from "./switched.js";
import type { Delivery } from "./twilio.js";

export interface GraphApiOptions {
    accessToken: string;
    appSecret: string;
    verifyToken: string;
    /** The first; more by account.addNumber. 360dialog's form is of this one. */
    number: GraphNumber;
    /** The path of the app's webhook at the gateway. */
    hook: string;
    /** 0, the default: any free one. */
    port?: number;
    agent?: http.Agent;
}

/** A request as it came, whatever it was answered. */
export interface GraphRequest {
    method: string;
    path: string;
    query: URLSearchParams;
    headers: http.IncomingHttpHeaders;
    body: Buffer;
    /** Milliseconds of performance.now(). */
    at: number;
    /** Messages only: what it became. */
    message: GraphMessage | undefined;
}

/** The customer sees that we have read what they wrote, and that somebody writes. */
export interface GraphSignal {
    number: string;
    message: string;
    typing: boolean;
}

const bodyMax = 101 << 20;
const uploadLife = 30 * day;
const receivedLife = 7 * day;

export class GraphApi extends SwitchedApi {
    readonly account = new GraphAccount();
    /** What the gateway sent and Meta accepted, in order. */
    readonly accepted = new Kept<GraphMessage>("messages");
    /** What reached a customer's phone. */
    readonly phone = new Kept<GraphMessage>("messages on phones");
    readonly signals = new Kept<GraphSignal>("signals");
    readonly uploads = new Kept<GraphMedia>("uploads");
    readonly requests = new Kept<GraphRequest>("requests");
    readonly receipts: Receipts;
    /** Called when a message is new, or its status another. */
    onChange: ((message: GraphMessage) => void) | undefined;
    /** The gateway's real address. */
    gateway = "";
    /** Free text outside the window is taken, and fails later. */
    refusesLate = false;
    readonly #people = new Map<string, Person>();

    constructor(readonly options: GraphApiOptions) {
        super();
        this.account.addNumber(options.number);
        this.receipts = new Receipts((subject, status, code, lost) => this.#callBack(this.account.find(subject.sid)!, status, code, lost));
    }

    /** What the channel's api_url is. */
    start(): Promise<string> {
        return this.door.open(this.options.port ?? 0);
    }

    async stop(): Promise<void> {
        await this.receipts.stop();
        await this.door.close();
    }

    override async well(): Promise<void> {
        this.refusesLate = false;
        await super.well();
    }

    /** So many milliseconds pass at once. */
    jump(ms: number): void {
        this.account.jump(ms);
    }

    // What the gateway did.

    /** The first n messages, once they were accepted. */
    sent(n: number, wait?: number): Promise<GraphMessage[]> {
        return this.accepted.count(n, wait);
    }

    /** The first accepted message such that was not given before. */
    next(match?: (message: GraphMessage) => boolean, wait?: number): Promise<GraphMessage> {
        return this.accepted.next(match, wait);
    }

    /** What was accepted for a customer, in order. */
    to(customer: string): GraphMessage[] {
        return this.accepted.all.filter((one) => one.customer === customer);
    }

    /** What was accepted under an opaque id of ours: once is one. */
    byOpaque(opaque: string): GraphMessage[] {
        return this.accepted.all.filter((one) => one.opaque === opaque);
    }

    // What customers do.

    /** Meta as a client of the gateway, for one of the numbers. */
    speaker(number: GraphNumber = this.options.number, hook = this.options.hook): GraphSandbox {
        const { appSecret, verifyToken, agent } = this.options;
        return new GraphSandbox({ appSecret, verifyToken, number, webhookUrl: (this.gateway || "http://127.0.0.1:1") + hook, ...(agent ? { agent } : {}) });
    }

    /** A customer sends, to the first number or another; the window opens. */
    receive(message: Inbound, variant: GraphVariant = {}, number: GraphNumber = this.options.number): Promise<GraphDelivery> {
        const whole = this.keep(message, number);
        return this.speaker(number).receive(whole, variant);
    }

    /** The message as it would be told, which nobody is told of. */
    keep(message: Inbound, number: GraphNumber = this.options.number): Inbound {
        const person = personOf(message.from);
        const customer = this.account.nameOf(person);
        const { from, id, at = this.account.now(), type = "text", ...body } = message;
        void from;
        this.#people.set(customer, { ...this.#people.get(customer), ...person });
        const kept = this.account.add({ ...(id === undefined ? {} : { sid: id }), incoming: true, number: number.id, customer, type, body, status: "received", at });
        if (type === "reaction") this.#react(body["reaction"] as Json);
        else if (type !== "system") this.account.hear(number.id, customer, at);
        this.#changed(kept);
        return { ...message, id: kept.sid, at, type };
    }

    /** A file that a customer sends: what stands under its type. sha256: of other bytes than these, if it shall be wrong. */
    file(bytes: Buffer, mime: string, more: { name?: string; caption?: string; voice?: boolean; sha256?: Buffer; redirect?: string } = {}, number = this.options.number): Json {
        const { name, caption, voice, sha256, redirect } = more;
        const media = this.account.addMedia({ number: number.id, mime, bytes, name, redirect }, receivedLife);
        return {
            ...(caption === undefined ? {} : { caption }), ...(name === undefined ? {} : { filename: name }), ...(voice === undefined ? {} : { voice }),
            mime_type: mime, sha256: (sha256 ?? Buffer.from(media.sha256, "hex")).toString("base64"), id: media.id,
        };
    }

    #callBack(message: GraphMessage, status: Status, code: number | undefined, lost: boolean): Promise<Delivery | undefined> {
        this.#changed(message);
        const number = this.account.numbers.get(message.number);
        if (lost || !number) return Promise.resolve(undefined);
        const failed = status === "undelivered" || status === "failed";
        const pricing = { billable: true, pricing_model: "PMP", type: message.type === "template" ? "regular" : "free_customer_service", category: message.type === "template" ? "utility" : "service" };
        return this.speaker(number)
            .status({
                id: message.sid, status: failed ? "failed" : status, to: this.#people.get(message.customer) ?? personOf(message.customer), at: this.account.now(), opaque: message.opaque,
                ...(failed ? { code, title: titleOf(code ?? 131000) } : status === "read" ? {} : { pricing }),
            })
            .then((delivery) => ({ ...delivery, sid: message.sid, contentType: String(delivery.headers["content-type"] ?? "") }));
    }

    #react({ message_id, emoji }: Json): void {
        const target = this.account.find(String(message_id));
        if (!target) return;
        target.reaction = emoji ? String(emoji) : undefined;
        this.#changed(target);
    }

    #changed(message: GraphMessage): void {
        this.accepted.changed();
        this.phone.changed();
        this.onChange?.(message);
    }

    // The API.

    protected async handle(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
        const request = await read(incoming, response);
        if (!request) return;
        this.requests.push(request);
        if (!this.#isOurs(request)) return reply(response, graphError(190));
        const asked = this.#route(request);
        if (!asked) return reply(response, graphError(33));
        if (asked.what === "messages") return this.#send(request, asked.number, response);
        const fault = this.faults.take(asked.of);
        const right = fault && !accepts(fault) ? { status: 200, body: {} } : this.#answer(request, asked);
        if (fault) spoil(fault, right, response, graphError);
        else reply(response, right);
    }

    /** Whether the token is the one that we gave. */
    #isOurs({ headers }: GraphRequest): boolean {
        const { accessToken } = this.options;
        return headers["d360-api-key"] === accessToken || headers.authorization === `Bearer ${accessToken}`;
    }

    /** What is asked for; undefined: nothing that there is. */
    #route({ method, path, headers }: GraphRequest): { what: string; id: string; number: string; of: NonNullable<Scope["of"]> } | undefined {
        const { accessToken, number } = this.options;
        const isDialog = headers["d360-api-key"] === accessToken;
        if (path === "/whatsapp_business/attachments/") return { what: "file", id: "", number: "", of: "cdn" };
        const versioned = /^\/v\d+\.\d+(\/.*)$/.exec(path)?.[1];
        const rest = (isDialog ? path : (versioned ?? "")).split("/").slice(1);
        const [id = "", what = ""] = isDialog && /^(messages|media)$/.test(rest[0] ?? "") && rest.length === 1 ? [number.id, rest[0]] : rest;
        if (method === "POST" && (what === "messages" || what === "media")) {
            return this.account.numbers.has(id) ? { what, id, number: id, of: what === "media" ? "upload" : "send" } : undefined;
        }
        if (method === "GET" && what === "message_templates") return { what, id, number: "", of: "read" };
        if (what !== "") return undefined;
        if (this.account.numbers.has(id)) return method === "GET" ? { what: "number", id, number: id, of: "read" } : undefined;
        return method === "GET" || method === "DELETE" ? { what: "resolve", id, number: "", of: "media" } : undefined;
    }

    #answer(request: GraphRequest, { what, id, number }: { what: string; id: string; number: string }): Reply {
        const { query } = request;
        const found = (body: object): Reply => ({ status: 200, body });
        if (what === "media") return this.#upload(request, number);
        if (what === "file") return this.#file(request);
        if (what === "number") return found(this.account.numberJson(id, query)!);
        if (what === "message_templates") {
            const isKnown = [...this.account.numbers.values()].some(({ waba }) => waba === id);
            return isKnown ? found(this.account.templatesJson(query, this.url + request.path)) : graphError(33);
        }
        const media = this.account.mediaOf(id);
        const owner = query.get("phone_number_id");
        if (!media || (owner !== null && owner !== media.number)) return graphError(100, "there is no such media");
        if (request.method === "DELETE") return found({ success: this.account.media.delete(id) });
        // 360dialog gives Meta's URL as it is: whoever asks puts 360dialog's host in its place.
        const host = request.headers["d360-api-key"] === undefined ? this.url : "https://lookaside.fbsbx.com";
        return found(this.account.mediaJson(media, host + this.account.newPath(media)));
    }

    #upload({ headers, body }: GraphRequest, number: string): Reply {
        const parts = parseMultipart(String(headers["content-type"] ?? ""), body);
        const file = parts?.find(({ name }) => name === "file");
        const product = parts?.find(({ name }) => name === "messaging_product")?.bytes.toString();
        if (!parts) return graphError(100, "the body is no multipart/form-data");
        if (product !== "whatsapp") return graphError(100, "messaging_product is not whatsapp");
        if (!file) return graphError(100, "file is missing");
        const mime = file.type ?? parts.find(({ name }) => name === "type")?.bytes.toString() ?? "application/octet-stream";
        const wrong = checkFile(mime, file.bytes.length);
        if (wrong) return graphError(131053, wrong);
        const media = this.account.addMedia({ number, mime, bytes: file.bytes, name: file.filename }, uploadLife);
        this.uploads.push(media);
        return { status: 200, body: { id: media.id } };
    }

    #file({ query }: GraphRequest): Reply {
        const media = this.account.mediaAt(query);
        if (!media) return { status: 404, body: Buffer.from("URL signature expired\n"), headers: { "content-type": "text/plain" } };
        if (media.redirect !== undefined) return { status: 302, headers: { location: media.redirect }, body: Buffer.alloc(0) };
        return { status: 200, headers: { "content-type": media.mime }, body: media.bytes };
    }

    async #send(request: GraphRequest, number: string, response: http.ServerResponse): Promise<void> {
        const body = parse(request.body);
        if (body?.["status"] !== undefined) return this.#signal(body, number, response);
        const to = body === undefined ? undefined : String(body["to"] ?? body["recipient"]).replace(/^\+/, ""); // a wa_id, as scopes name customers
        const fault = this.faults.take("send", to);
        if (fault && !accepts(fault)) return spoil(fault, { status: 200, body: {} }, response, graphError);
        const checked = this.#check(number, body);
        if ("status" in checked) return reply(response, checked);
        const message = this.#accept(request, number, checked, body!);
        const right = this.#acceptedJson(message, body!);
        const habit = this.#fate(message, this.habits.take("send", to) ?? {});
        const answer = () => (fault ? spoil(fault, right, response, graphError) : reply(response, right));
        if (!habit.early) answer();
        if (habit.code === undefined) this.phone.push(message);
        this.#changed(message);
        await this.receipts.tell(message, Promise.resolve(habit));
        if (habit.early) answer();
    }

    #check(number: string, body: Json | undefined): Reply | { customer: string; type: string } {
        if (!body) return graphError(100, "the body is no JSON object");
        try {
            const checked = checkMessage(this.account, number, body);
            const isLate = checked.type !== "template" && !this.account.isOpen(number, checked.customer);
            return isLate && !this.refusesLate ? graphError(131047, "more than 24 hours have passed since the customer last replied to this number") : checked;
        } catch (error) {
            if (error instanceof GraphFault) return graphError(error.code, error.message);
            throw error;
        }
    }

    #accept(request: GraphRequest, number: string, { customer, type }: { customer: string; type: string }, body: Json): GraphMessage {
        const opaque = body["biz_opaque_callback_data"];
        const message = this.account.add({ incoming: false, number, customer, type, body, status: "accepted", opaque: opaque === undefined ? undefined : String(opaque) });
        request.message = message;
        if (type === "reaction") this.#react(body["reaction"] as Json);
        this.accepted.push(message);
        return message;
    }

    #acceptedJson(message: GraphMessage, { to, recipient, recipient_type }: Json): Reply {
        const contact = to === undefined ? { input: recipient, user_id: recipient } : { input: to, wa_id: message.customer };
        const state = message.type === "template" ? { message_status: "accepted" } : {};
        const contacts = recipient_type === "group" ? [{ input: to }] : [contact];
        return { status: 200, body: { messaging_product: "whatsapp", contacts, messages: [{ id: message.sid, ...state }] } };
    }

    /** A reaction is only ever sent; what came too late fails. */
    #fate(message: GraphMessage, habit: Habit): Habit {
        if (message.type !== "template" && !this.account.isOpen(message.number, message.customer)) return { ...habit, statuses: ["failed"], code: 131047 };
        return message.type === "reaction" && habit.code === undefined ? { ...habit, statuses: ["sent"] } : habit;
    }

    #signal(body: Json, number: string, response: http.ServerResponse): void {
        const fault = this.faults.take("signal");
        const message = String(body["message_id"]);
        const isRight = body["messaging_product"] === "whatsapp" && body["status"] === "read" && this.account.find(message)?.incoming === true;
        const right = isRight ? { status: 200, body: { success: true } } : graphError(131009, "message_id: there is no such message");
        if (isRight && accepts(fault)) this.signals.push({ number, message, typing: (body["typing_indicator"] as Json | undefined)?.["type"] === "text" });
        if (fault) spoil(fault, right, response, graphError);
        else reply(response, right);
    }
}

function parse(bytes: Buffer): Json | undefined {
    try {
        const value: unknown = JSON.parse(bytes.toString());
        return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
    } catch {
        return undefined;
    }
}

/** The whole request; undefined where it ended before, or was too large. */
function read(incoming: http.IncomingMessage, response: http.ServerResponse): Promise<GraphRequest | undefined> {
    return new Promise((resolve) => {
        const chunks: Buffer[] = [];
        let size = 0;
        const give = (body: Buffer | undefined) => {
            if (body === undefined) response.destroy();
            const url = new URL(incoming.url ?? "/", "http://127.0.0.1");
            const { method = "GET", headers } = incoming;
            resolve(body && { method, path: url.pathname, query: url.searchParams, headers, body, at: performance.now(), message: undefined });
        };
        incoming.on("data", (chunk: Buffer) => {
            size += chunk.length;
            if (size > bodyMax) give(undefined);
            else chunks.push(chunk);
        });
        incoming.on("end", () => give(Buffer.concat(chunks)));
        incoming.on("close", () => (incoming.complete ? undefined : give(undefined)));
    });
}
