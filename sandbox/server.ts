// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's page on loopback: the customers' phones and the switches of Twilio's and Meta's sandboxes, and the gateway's /v1 passed on with the
// key added, so that the key never reaches the page.
//
//     GET  /            the page            GET  /state   who the customers are, which numbers they write to, which switches there are
//     GET  /live        what is on the phones, the counts, the switches and the clock, as an event stream: all of it, then what changes
//     GET  /file/ID     a picture on a WhatsApp phone
//     POST /send        {"customer", "sid", "text"} → {"status", "ms", "sid", "attempts"}; on WhatsApp also instead of a text {"tap", "to"},
//                       {"react", "to"}, {"photo": true}, {"place": true}
//     POST /switch      {"service": "sms" or "whatsapp", "answers": id, "once": bool} or {…, "receipts": id}
//     POST /clock       {"hours": 24}: so much passes at once
//     GET  /v1/…        passed on to the gateway, the event stream too; POST only an answer to a ticket, or what
//                       became of an uncertain message

import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import type { GraphDelivery } from "./graph.js";
import type { GraphMessage } from "./graph_account.js";
import { GraphApi, type GraphApiOptions } from "./graph_api.js";
import { customers, graphOnPhone, smsOnPhone, type Customer, type Service } from "./people.js";
import { answers, graphAnswers, graphReceipts, receipts, type Preset } from "./presets.js";
import { saidOnPhone } from "./said.js";
import { ServiceSwitches } from "./service.js";
import type { Delivery } from "./twilio.js";
import { TwilioApi, type TwilioApiOptions } from "./twilio_api.js";
import { Watch, type Message } from "./watch.js";

export interface SandboxOptions {
    /** The gateway, http://host:port. */
    api: string;
    key: string;
    twilio: TwilioApiOptions;
    graph: GraphApiOptions;
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
    "/page/bubble.js": script("page/bubble.js"),
    "/page/phone.js": script("page/phone.js"),
    "/page/desk.js": script("page/desk.js"),
    "/page/switches.js": script("page/switches.js"),
    "/sse.js": script("sse.js"),
};
const readable = /^\/v1\/(tickets(\/[\w-]+(\/messages)?)?|messages\/[\w-]+|events)(\?[^#]*)?$/;
const answerable = /^\/v1\/(tickets\/[\w-]+\/messages|messages\/[\w-]+\/settle)$/;
const bodyMax = 64 << 10;
const phoneMax = 500;
const sids: Record<Service, RegExp> = { sms: /^SM[0-9a-f]{32}$/, whatsapp: /^wamid\.[0-9A-Za-z]{16,64}$/ };
const security = {
    "content-security-policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
};

export class SandboxServer {
    readonly twilio: TwilioApi;
    readonly graph: GraphApi;
    readonly #watch: Watch;
    readonly #server: http.Server;
    readonly #live = new Set<http.ServerResponse>();
    readonly #acknowledged = new Set<string>();
    readonly #switches: Record<Service, ServiceSwitches>;
    #ahead = 0;
    /** Kept open, so that a message pays for no new connection. */
    readonly #agent = new http.Agent({ keepAlive: true });

    constructor(readonly options: SandboxOptions) {
        this.twilio = new TwilioApi({ agent: this.#agent, ...options.twilio });
        this.graph = new GraphApi({ agent: this.#agent, ...options.graph });
        this.twilio.gateway = this.graph.gateway = options.api;
        this.twilio.onChange = (message) => this.#tell("phone", smsOnPhone(message));
        this.graph.onChange = (message) => this.#tellGraph(message);
        this.#switches = {
            sms: new ServiceSwitches(this.twilio, answers, receipts, () => this.#tell("switches", this.#switched("sms"))),
            whatsapp: new ServiceSwitches(this.graph, graphAnswers, graphReceipts, () => this.#tell("switches", this.#switched("whatsapp"))),
        };
        this.#watch = new Watch(options.api, options.key, (sid) => this.#isOurs(sid), (message) => this.#heard(message), () => this.#tell("counts", this.#counts()));
        this.#server = http.createServer((request, response) => {
            this.#handle(request, response).catch((error: unknown) => {
                if (!response.headersSent) reply(response, 500, { error: String(error) });
                else response.destroy();
            });
        });
    }

    /** The page's address. */
    async start(): Promise<string> {
        await Promise.all([this.twilio.start(), this.graph.start()]);
        await Promise.all(Object.values(this.#switches).map((one) => one.turn({})));
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
        await Promise.all([this.twilio.stop(), this.graph.stop()]);
        await new Promise<void>((resolve) => {
            this.#server.close(() => resolve());
            this.#server.closeAllConnections();
        });
    }

    #isOurs(sid: string): boolean {
        return this.twilio.account.find(sid) !== undefined || this.graph.account.find(sid) !== undefined;
    }

    /** Had Meta brought it, Meta would know that the customer wrote, and what. */
    #heard({ external_id, from, text }: Message): void {
        const customer = customers.find(({ address, service }) => address === from && service === "whatsapp");
        if (customer && external_id && text) this.graph.keep({ from: { wa_id: customer.number, name: customer.name }, id: external_id, text });
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
            reply(response, 200, { customers, services: this.#services() });
        } else if (target === "/live") {
            this.#follow(response);
        } else if (target.startsWith("/file/")) {
            this.#file(target.slice("/file/".length), response);
        } else if (readable.test(target)) {
            this.#pass(request, response, target);
        } else {
            reply(response, 404, { error: "not here" });
        }
    }

    #services(): object {
        const name = ({ id, label, help }: Preset<unknown>) => ({ id, label, help });
        const service = (title: string, number: string, { answers, receipts }: ServiceSwitches) => ({ title, number, answers: answers.map(name), receipts: receipts.map(name) });
        const { sms, whatsapp } = this.#switches;
        return { sms: service("Twilio", this.twilio.options.number, sms), whatsapp: service("Meta", `+${this.graph.options.number.display}`, whatsapp) };
    }

    /** Only what a browser shows as a picture and as nothing else. */
    #file(id: string, response: http.ServerResponse): void {
        const media = this.graph.account.mediaOf(id);
        if (!media || !/^image\/(png|jpeg|webp)$/.test(media.mime)) return reply(response, 404, { error: "no picture" });
        response.writeHead(200, { ...security, "content-type": media.mime });
        response.end(media.bytes);
    }

    async #post(request: http.IncomingMessage, response: http.ServerResponse, target: string): Promise<void> {
        if (!["/send", "/switch", "/clock"].includes(target) && !answerable.test(target)) return reply(response, 404, { error: "not here" });
        if (!/^application\/json/.test(request.headers["content-type"] ?? "")) return reply(response, 415, { error: "JSON, please" });
        let body = "";
        for await (const chunk of request.setEncoding("utf8")) {
            body += chunk as string;
            if (body.length > bodyMax) return reply(response, 413, { error: "too long" });
        }
        if (target === "/send") return this.#send(parse(body), response);
        if (target === "/switch") return this.#switch(parse(body), response);
        if (target === "/clock") return this.#jump(parse(body), response);
        this.#pass(request, response, target, body);
    }

    async #send(given: Record<string, unknown>, response: http.ServerResponse): Promise<void> {
        const customer = customers.find((one) => one.id === given["customer"]);
        const sid = String(given["sid"]);
        const delivery = customer && sids[customer.service].test(sid) ? this.#say(customer, sid, given) : undefined;
        if (!delivery) return reply(response, 422, { error: "a customer, a text of 1 to 1,600 characters (or what else a WhatsApp phone can do) and a sid" });
        const { status, ms, attempts } = await delivery;
        if (status === 200) this.#acknowledged.add(sid);
        this.#tell("counts", this.#counts());
        reply(response, 200, { status, ms, attempts, sid });
    }

    /** undefined: that cannot be said there. */
    #say({ service, number, name }: Customer, sid: string, given: Record<string, unknown>): Promise<Delivery | GraphDelivery> | undefined {
        const { text } = given;
        if (service === "sms") return typeof text === "string" && text !== "" && text.length <= 1600 ? this.twilio.receive({ from: number, body: text, sid }) : undefined;
        const said = saidOnPhone(this.graph, given);
        return said && this.graph.receive({ from: { wa_id: number, name }, id: sid, ...said });
    }

    async #switch({ service = "sms", ...wanted }: Record<string, unknown>, response: http.ServerResponse): Promise<void> {
        const switches = this.#switches[service as Service];
        reply(response, switches && (await switches.turn(wanted)) ? 200 : 422, switches ? this.#switched(service as Service) : { error: "no such service" });
    }

    #switched(service: Service): object {
        return { service, ...this.#switches[service].now };
    }

    #jump({ hours }: Record<string, unknown>, response: http.ServerResponse): void {
        if (typeof hours !== "number" || !(hours > 0 && hours <= 24 * 365)) return reply(response, 422, { error: "hours, more than 0" });
        this.#ahead += hours;
        this.graph.jump(hours * 3_600_000);
        this.twilio.account.jump(hours * 3_600_000);
        this.#tell("clock", this.#clock());
        reply(response, 200, this.#clock());
    }

    /** open: who may be written to freely. */
    #clock(): object {
        const { account, options } = this.graph;
        return { ahead: this.#ahead, open: customers.filter(({ service, number }) => service === "whatsapp" && account.isOpen(options.number.id, number)).map(({ id }) => id) };
    }

    #counts() {
        const received = this.twilio.accepted.all.length + this.graph.accepted.all.length;
        return { acknowledged: this.#acknowledged.size, stored: this.#watch.stored, sent: this.#watch.sent, received };
    }

    #tellGraph(message: GraphMessage): void {
        const shown = graphOnPhone(this.graph.account, message);
        if (shown) this.#tell("phone", shown);
        if (message.incoming) this.#tell("clock", this.#clock());
    }

    #follow(response: http.ServerResponse): void {
        response.writeHead(200, { ...security, "content-type": "text/event-stream" });
        const shown = [...this.twilio.account.messages.map(smsOnPhone), ...this.graph.account.messages.map((one) => graphOnPhone(this.graph.account, one))];
        const phones = shown.flatMap((one) => one ?? []).sort((a, b) => a.at.getTime() - b.at.getTime());
        for (const message of phones.slice(-phoneMax)) response.write(event("phone", message));
        response.write(event("counts", this.#counts()) + event("clock", this.#clock()));
        for (const service of ["sms", "whatsapp"] as const) response.write(event("switches", this.#switched(service)));
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
