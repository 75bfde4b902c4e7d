// SPDX-License-Identifier: Apache-2.0
//
// How a provider's answer can go wrong. A fault that `accepts` does the work and spoils only the answer: whoever asked cannot know.

import type * as http from "node:http";

export interface Reply {
    status: number;
    headers?: http.OutgoingHttpHeaders;
    /** A Buffer is sent as it is, anything else as JSON. */
    body: unknown;
}

export interface Fault {
    /**
     * late: right, but after `ms`. error: the provider's own `code`. limit: 429. broken: 500. silence: no answer, the connection stays. close: it
     * ends with no byte. html: a page with 200. half: the right status and half a JSON object. inside: 200 with an error in it. huge: 1 GB. drip: a byte a
     * second.
     */
    kind: "late" | "error" | "limit" | "broken" | "silence" | "close" | "html" | "half" | "inside" | "huge" | "drip";
    /** html: with another status than 200. */
    status?: number;
    /** Whether the request was obeyed nevertheless; late, half, huge and drip: true if not said, the others false. Never with error and limit. */
    accepts?: boolean;
    ms?: number;
    code?: number;
    /** limit and broken: seconds, a date, or garbage. */
    retryAfter?: string;
}

export function accepts(fault: Fault | undefined): boolean {
    if (!fault) return true;
    if (fault.kind === "error" || fault.kind === "limit") return false;
    return fault.accepts ?? ["late", "half", "huge", "drip"].includes(fault.kind);
}

/** Which requests a switch is for. */
export interface Scope {
    /** How many; default: all until it is switched off. */
    times?: number;
    /** Only what goes to this number. */
    to?: string;
    /**
     * send: messages; read: the account, numbers and lists; media: where a file is (its redirect, its URL); cdn: the file itself; upload: files that
     * we give; signal: read and typing. Default send.
     */
    of?: "send" | "read" | "media" | "cdn" | "upload" | "signal";
    /** Called when it was used up. */
    done?: () => void;
}

/** What is switched on, each for its scope. Those for one number go first, then whichever was switched on first. */
export class Switches<T> {
    #on: { what: T; scope: Scope; left: number }[] = [];

    /** Returns what switches it off again. */
    on(what: T, scope: Scope = {}): () => void {
        const one = { what, scope, left: scope.times ?? Infinity };
        this.#on.push(one);
        return () => (this.#on = this.#on.filter((other) => other !== one));
    }

    /** All of them. */
    off(): void {
        this.#on = [];
    }

    /** The one that this request falls under; it counts. */
    take(of: Scope["of"], to?: string): T | undefined {
        const fits = this.#on.filter(({ scope }) => (scope.of ?? "send") === of && (scope.to === undefined || scope.to === to));
        const one = fits.find(({ scope }) => scope.to !== undefined) ?? fits[0];
        if (!one) return undefined;
        if (--one.left <= 0) {
            this.#on = this.#on.filter((other) => other !== one);
            one.scope.done?.();
        }
        return one.what;
    }
}

export function reply(response: http.ServerResponse, { status, headers, body }: Reply): void {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
    response.writeHead(status, { "content-type": "application/json", ...headers, "content-length": bytes.length });
    response.end(bytes);
}

const page = "<!DOCTYPE html>\n<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n";
const hugeSize = 1_000_000_000;
const dripEvery = 1000;

/** A provider's words for one of its codes, or for what every provider may say. */
export type ErrorOf = (code: number | "wrong" | "limit" | "broken") => Reply;

/** right: what would have been answered without the fault. */
export function spoil(fault: Fault, right: Reply, response: http.ServerResponse, error: ErrorOf): void {
    const retryAfter = fault.retryAfter === undefined ? {} : { "retry-after": fault.retryAfter };
    switch (fault.kind) {
        case "late":
            later(response, fault.ms ?? 5000, () => reply(response, right));
            return;
        case "error":
            return reply(response, error(fault.code ?? "wrong"));
        case "limit":
            return reply(response, { ...error("limit"), headers: retryAfter });
        case "broken":
            return reply(response, { ...error("broken"), headers: retryAfter });
        case "silence":
            return;
        case "close":
            response.socket?.destroy();
            return;
        case "html":
            return reply(response, { status: fault.status ?? 200, headers: { "content-type": "text/html" }, body: Buffer.from(page) });
        case "half": {
            const whole = JSON.stringify(right.body);
            return reply(response, { status: right.status, body: Buffer.from(whole.slice(0, whole.length / 2)) });
        }
        case "inside":
            return reply(response, { ...error(fault.code ?? "broken"), status: 200 });
        case "huge":
            return flood(response, right.status);
        case "drip":
            return drip(response, right.status, JSON.stringify(right.body));
    }
}

/** Not at all where the other side has gone. */
function later(response: http.ServerResponse, ms: number, then: () => void): void {
    const timer = setTimeout(then, ms);
    response.on("close", () => clearTimeout(timer));
}

function flood(response: http.ServerResponse, status: number): void {
    response.writeHead(status, { "content-type": "application/json", "content-length": hugeSize });
    const chunk = Buffer.alloc(1 << 16, "a");
    let left = hugeSize;
    const pour = () => {
        while (left > 0 && !response.destroyed) {
            const piece = chunk.subarray(0, left);
            left -= piece.length;
            if (!response.write(piece)) return;
        }
        if (left === 0) response.end();
    };
    response.on("drain", pour);
    pour();
}

function drip(response: http.ServerResponse, status: number, text: string): void {
    response.writeHead(status, { "content-type": "application/json" });
    response.flushHeaders();
    let at = 0;
    const timer = setInterval(() => {
        if (at < text.length) response.write(text[at++]);
        else response.end();
    }, dripEvery);
    response.on("close", () => clearInterval(timer));
    response.write(text[at++]);
}
