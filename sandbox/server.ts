// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's page on loopback: the customers' phones and the switches of Twilio's sandbox, and the gateway's /v1 passed on with the key
// added, so that the key never reaches the page.
//
//     GET  /            the page            GET  /state   who the customers are, which number they write to, which switches there are
//     GET  /live        what is on the phones, the counts and the switches, as an event stream: all of it, then what changes
//     POST /send        {"customer", "text", "sid"} → {"status", "ms", "sid", "attempts"}
//     POST /switch      {"answers": id, "once": bool} or {"receipts": id}
//     GET  /v1/…        passed on to the gateway, the event stream too; POST only an answer to a ticket, or what
//                       became of an uncertain message

import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { answers, receipts, type Preset } from "./presets.js";
import { TwilioApi, type TwilioApiOptions } from "./twilio_api.js";
import type { Message } from "./twilio_account.js";
import { Watch } from "./watch.js";

export const customers = [
    { id: "ana", name: "Ana Ruiz", number: "+15551230001" },
    { id: "ben", name: "Ben Osei", number: "+15551230002" },
    { id: "chiara", name: "Chiara Neri", number: "+15551230003" },
] as const;

export interface SandboxOptions {
    /** The gateway, http://host:port. */
    api: string;
    key: string;
    twilio: TwilioApiOptions;
    /** 0: any free one. */
    port: number;
}

const compiled = path.dirname(fileURLToPath(import.meta.url));
const source = path.resolve(compiled, "../../../sandbox/page");
const script = (name: string) => ({ file: path.join(compiled, name), type: "text/javascript; charset=utf-8" });
const files: Record<string, { file: string; type: string }> = {
    "/": { file: path.join(source, "index.html"), type: "text/html; charset=utf-8" },
    "/style.css": { file: path.join(source, "style.css"), type: "text/css; charset=utf-8" },
    "/page/app.js": script("page/app.js"),
    "/page/common.js": script("page/common.js"),
    "/page/phone.js": script("page/phone.js"),
    "/page/desk.js": script("page/desk.js"),
    "/page/switches.js": script("page/switches.js"),
    "/sse.js": script("sse.js"),
};
const readable = /^\/v1\/(tickets(\/[\w-]+(\/messages)?)?|messages\/[\w-]+|events)(\?[^#]*)?$/;
const answerable = /^\/v1\/(tickets\/[\w-]+\/messages|messages\/[\w-]+\/settle)$/;
const bodyMax = 64 << 10;
const phoneMax = 500;
const security = {
    "content-security-policy": "default-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
};

export class SandboxServer {
    readonly twilio: TwilioApi;
    readonly #watch: Watch;
    readonly #server: http.Server;
    readonly #live = new Set<http.ServerResponse>();
    readonly #acknowledged = new Set<string>();
    #switches = { answers: "well", receipts: "well", once: false };
    /** Kept open, so that a message pays for no new connection. */
    readonly #agent = new http.Agent({ keepAlive: true });

    constructor(readonly options: SandboxOptions) {
        this.twilio = new TwilioApi({ agent: this.#agent, ...options.twilio });
        this.twilio.gateway = options.api;
        this.twilio.onChange = (message) => this.#tell("phone", onPhone(message));
        this.#watch = new Watch(options.api, options.key, (sid) => this.twilio.account.find(sid) !== undefined, () => this.#tell("counts", this.#counts()));
        this.#server = http.createServer((request, response) => {
            this.#handle(request, response).catch((error: unknown) => {
                if (!response.headersSent) reply(response, 500, { error: String(error) });
                else response.destroy();
            });
        });
    }

    /** The page's address. */
    async start(): Promise<string> {
        await this.twilio.start();
        await this.#switch({});
        await new Promise<void>((resolve, reject) => {
            this.#server.once("error", reject);
            this.#server.listen(this.options.port, "127.0.0.1", resolve);
        });
        this.#watch.start();
        return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
    }

    async stop(): Promise<void> {
        this.#watch.stop();
        this.#agent.destroy();
        await this.twilio.stop();
        await new Promise<void>((resolve) => {
            this.#server.close(() => resolve());
            this.#server.closeAllConnections();
        });
    }

    async #handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
        const target = request.url ?? "/";
        // A page of another name that resolves to loopback is not ours, and another site's script is not our user.
        const isOurs = /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(request.headers.host ?? "");
        const site = request.headers["sec-fetch-site"];
        if (!isOurs || (site !== undefined && site !== "same-origin" && site !== "none")) return reply(response, 403, { error: "not from here" });
        if (request.method === "POST") return this.#post(request, response, target);
        const file = files[target];
        if (request.method !== "GET") {
            reply(response, 404, { error: "not here" });
        } else if (file) {
            response.writeHead(200, { ...security, "content-type": file.type });
            response.end(await fs.promises.readFile(file.file));
        } else if (target === "/state") {
            const name = ({ id, label, help }: Preset<unknown>) => ({ id, label, help });
            reply(response, 200, { customers, number: this.twilio.options.number, answers: answers.map(name), receipts: receipts.map(name) });
        } else if (target === "/live") {
            this.#follow(response);
        } else if (readable.test(target)) {
            this.#pass(request, response, target);
        } else {
            reply(response, 404, { error: "not here" });
        }
    }

    async #post(request: http.IncomingMessage, response: http.ServerResponse, target: string): Promise<void> {
        if (target !== "/send" && target !== "/switch" && !answerable.test(target)) return reply(response, 404, { error: "not here" });
        if (!/^application\/json/.test(request.headers["content-type"] ?? "")) return reply(response, 415, { error: "JSON, please" });
        let body = "";
        for await (const chunk of request.setEncoding("utf8")) {
            body += chunk as string;
            if (body.length > bodyMax) return reply(response, 413, { error: "too long" });
        }
        if (target === "/send") return this.#send(parse(body), response);
        if (target === "/switch") return reply(response, (await this.#switch(parse(body))) ? 200 : 422, this.#switches);
        this.#pass(request, response, target, body);
    }

    async #send(given: Record<string, unknown>, response: http.ServerResponse): Promise<void> {
        const customer = customers.find((one) => one.id === given["customer"]);
        const { text, sid } = given;
        if (!customer || typeof text !== "string" || text === "" || text.length > 1600 || !/^SM[0-9a-f]{32}$/.test(String(sid)))
            return reply(response, 422, { error: "a customer, a text of 1 to 1,600 characters and a sid" });
        const { status, ms, attempts } = await this.twilio.receive({ from: customer.number, body: text, sid: String(sid) });
        if (status === 200) this.#acknowledged.add(String(sid));
        this.#tell("counts", this.#counts());
        reply(response, 200, { status, ms, attempts, sid });
    }

    /** False: there is no such switch. Afterwards Twilio does as #switches says. */
    async #switch(given: Record<string, unknown>): Promise<boolean> {
        const wanted = { ...this.#switches, ...given };
        const answer = answers.find(({ id }) => id === wanted.answers);
        const receipt = receipts.find(({ id }) => id === wanted.receipts);
        if (!answer || !receipt) return false;
        this.#switches = { answers: answer.id, receipts: receipt.id, once: wanted.once === true };
        await this.twilio.well();
        if (receipt.what) this.twilio.habit(receipt.what);
        if (answer.what === "dead") await this.twilio.die();
        else if (answer.what === "hang") this.twilio.hang();
        else if (answer.what) this.twilio.fault(answer.what, this.#switches.once ? { times: 1, done: () => void this.#switch({ answers: "well" }) } : {});
        this.#tell("switches", this.#switches);
        return true;
    }

    #counts() {
        return { acknowledged: this.#acknowledged.size, stored: this.#watch.stored, sent: this.#watch.sent, received: this.twilio.accepted.all.length };
    }

    #follow(response: http.ServerResponse): void {
        response.writeHead(200, { ...security, "content-type": "text/event-stream" });
        for (const message of this.twilio.account.messages.slice(-phoneMax)) response.write(event("phone", onPhone(message)));
        response.write(event("counts", this.#counts()) + event("switches", this.#switches));
        this.#live.add(response);
        response.on("close", () => this.#live.delete(response));
    }

    #tell(name: string, data: object): void {
        for (const response of this.#live) response.write(event(name, data));
        if (name === "phone") this.#tell("counts", this.#counts());
    }

    /** With the key, and what the page asks of the answer. */
    #pass(request: http.IncomingMessage, response: http.ServerResponse, target: string, body?: string): void {
        const headers: http.OutgoingHttpHeaders = { authorization: `Bearer ${this.options.key}`, accept: request.headers.accept ?? "application/json" };
        if (body !== undefined) Object.assign(headers, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
        for (const name of ["last-event-id", "idempotency-key"]) if (request.headers[name] !== undefined) headers[name] = request.headers[name];
        const stream = headers["accept"] === "text/event-stream";
        const options = { method: request.method ?? "GET", headers, agent: stream ? (false as const) : this.#agent };
        const call = http.request(this.options.api + target, options, (answer) => {
            response.writeHead(answer.statusCode ?? 502, { ...security, "content-type": answer.headers["content-type"] ?? "text/plain" });
            response.flushHeaders();
            answer.pipe(response);
            answer.on("error", () => response.destroy());
        });
        call.on("error", () => (response.headersSent ? response.destroy() : reply(response, 502, { error: "the gateway does not answer" })));
        response.on("close", () => call.destroy());
        call.end(body);
    }
}

/** What the page needs to know of a message. */
function onPhone({ sid, direction, from, to, body, status, errorCode, mediaUrls, at }: Message): object {
    const incoming = direction === "inbound";
    return { sid, incoming, customer: customers.find(({ number }) => number === (incoming ? from : to))?.id, body, status, errorCode, files: mediaUrls.length, at };
}

const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;

function parse(text: string): Record<string, unknown> {
    try {
        const value: unknown = JSON.parse(text);
        return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
    } catch {
        return {};
    }
}

function reply(response: http.ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { ...security, "content-type": "application/json" });
    response.end(JSON.stringify(body));
}
