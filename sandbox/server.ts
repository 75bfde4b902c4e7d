// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's page on loopback: sends as the customer through Twilio's sandbox, and passes reads of /v1 on to the gateway with the key
// added, so that the key never reaches the page.
//
//     GET  /            the page            GET  /state   who the customers are, which number they write to
//     POST /send        {"customer", "text", "sid"} → {"status", "ms", "sid", "attempts"}
//     GET  /v1/…        passed on to the gateway, the event stream too

import * as fs from "node:fs";
import * as http from "node:http";
import type { AddressInfo } from "node:net";
import * as path from "node:path";
import { fileURLToPath } from "node:url";
import { TwilioSandbox, type TwilioOptions } from "./twilio.js";

export const customers = [
    { id: "ana", name: "Ana Ruiz", number: "+15551230001" },
    { id: "ben", name: "Ben Osei", number: "+15551230002" },
    { id: "chiara", name: "Chiara Neri", number: "+15551230003" },
] as const;

export interface SandboxOptions {
    /** The gateway, http://host:port. */
    api: string;
    key: string;
    twilio: TwilioOptions;
    /** 0: any free one. */
    port: number;
}

const compiled = path.dirname(fileURLToPath(import.meta.url));
const source = path.resolve(compiled, "../../../sandbox/page");
const files: Record<string, { file: string; type: string }> = {
    "/": { file: path.join(source, "index.html"), type: "text/html; charset=utf-8" },
    "/style.css": { file: path.join(source, "style.css"), type: "text/css; charset=utf-8" },
    "/page/app.js": { file: path.join(compiled, "page/app.js"), type: "text/javascript; charset=utf-8" },
    "/sse.js": { file: path.join(compiled, "sse.js"), type: "text/javascript; charset=utf-8" },
};
const readable = /^\/v1\/(tickets(\/[\w-]+(\/messages)?)?|messages\/[\w-]+|events)(\?[^#]*)?$/;
const bodyMax = 64 << 10;
const security = {
    "content-security-policy": "default-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
};

export class SandboxServer {
    readonly twilio: TwilioSandbox;
    readonly #server: http.Server;
    /** Kept open, so that a message pays for no new connection. */
    readonly #agent = new http.Agent({ keepAlive: true });

    constructor(readonly options: SandboxOptions) {
        this.twilio = new TwilioSandbox({ agent: this.#agent, ...options.twilio });
        this.#server = http.createServer((request, response) => {
            this.#handle(request, response).catch((error: unknown) => {
                if (!response.headersSent) reply(response, 500, { error: String(error) });
                else response.destroy();
            });
        });
    }

    /** The page's address. */
    async start(): Promise<string> {
        await new Promise<void>((resolve, reject) => {
            this.#server.once("error", reject);
            this.#server.listen(this.options.port, "127.0.0.1", resolve);
        });
        return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
    }

    stop(): Promise<void> {
        this.#agent.destroy();
        return new Promise((resolve) => {
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
        const file = files[target];
        if (request.method === "GET" && file) {
            response.writeHead(200, { ...security, "content-type": file.type });
            response.end(await fs.promises.readFile(file.file));
        } else if (request.method === "GET" && target === "/state") {
            reply(response, 200, { customers, number: this.twilio.options.number });
        } else if (request.method === "POST" && target === "/send") {
            await this.#send(request, response);
        } else if (request.method === "GET" && readable.test(target)) {
            this.#pass(request, response, target);
        } else {
            reply(response, 404, { error: "not here" });
        }
    }

    async #send(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
        if (!/^application\/json/.test(request.headers["content-type"] ?? "")) return reply(response, 415, { error: "JSON, please" });
        let body = "";
        for await (const chunk of request.setEncoding("utf8")) {
            body += chunk as string;
            if (body.length > bodyMax) return reply(response, 413, { error: "too long" });
        }
        const given = parse(body);
        const customer = customers.find((one) => one.id === given["customer"]);
        const { text, sid } = given;
        if (!customer || typeof text !== "string" || text === "" || text.length > 1600 || !/^SM[0-9a-f]{32}$/.test(String(sid)))
            return reply(response, 422, { error: "a customer, a text of 1 to 1,600 characters and a sid" });
        const { status, ms, attempts } = await this.twilio.receive({ from: customer.number, body: text, sid: String(sid) });
        reply(response, 200, { status, ms, attempts, sid });
    }

    #pass(request: http.IncomingMessage, response: http.ServerResponse, target: string): void {
        const headers: http.OutgoingHttpHeaders = { authorization: `Bearer ${this.options.key}`, accept: request.headers.accept ?? "application/json" };
        const last = request.headers["last-event-id"];
        if (last !== undefined) headers["last-event-id"] = last;
        const stream = headers["accept"] === "text/event-stream";
        const call = http.get(this.options.api + target, { headers, agent: stream ? false : this.#agent }, (answer) => {
            response.writeHead(answer.statusCode ?? 502, { ...security, "content-type": answer.headers["content-type"] ?? "text/plain" });
            response.flushHeaders();
            answer.pipe(response);
            answer.on("error", () => response.destroy());
        });
        call.on("error", () => (response.headersSent ? response.destroy() : reply(response, 502, { error: "the gateway does not answer" })));
        response.on("close", () => call.destroy());
    }
}

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
