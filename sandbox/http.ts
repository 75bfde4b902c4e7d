// SPDX-License-Identifier: Apache-2.0
//
// One HTTP request over node:http, whole in memory. Unlike fetch it never repeats a request by itself, sends exactly the headers it is
// given, and tells how long the answer took.

import * as http from "node:http";

export interface Answer {
    status: number;
    headers: http.IncomingHttpHeaders;
    body: Buffer;
    /** Milliseconds from the first byte sent to the last byte received. */
    ms: number;
}

export interface Request {
    method?: string;
    headers?: http.OutgoingHttpHeaders;
    body?: string | Buffer | undefined;
    /** The path and query as they shall stand on the wire; default: those of the URL. */
    target?: string;
    agent?: http.Agent | undefined;
    /** Milliseconds until the request is given up; default 60,000. */
    timeout?: number;
}

/** Rejects where no whole answer came: refused, reset, timed out. */
export function request(url: string, options: Request = {}): Promise<Answer> {
    const to = new URL(url);
    const body = options.body === undefined ? undefined : Buffer.from(options.body);
    const started = performance.now();
    return new Promise((resolve, reject) => {
        const call = http.request(
            {
                host: to.hostname.replace(/^\[|\]$/g, ""),
                port: to.port || 80,
                method: options.method ?? "GET",
                path: options.target ?? to.pathname + to.search,
                headers: { ...(body ? { "content-length": body.length } : {}), ...options.headers },
                ...(options.agent ? { agent: options.agent } : {}),
            },
            (answer) => {
                const chunks: Buffer[] = [];
                answer.on("data", (chunk: Buffer) => chunks.push(chunk));
                answer.on("error", fail);
                answer.on("end", () => {
                    clearTimeout(timer);
                    resolve({
                        status: answer.statusCode ?? 0,
                        headers: answer.headers,
                        body: Buffer.concat(chunks),
                        ms: performance.now() - started,
                    });
                });
            },
        );
        const timer = setTimeout(() => call.destroy(new Error("no answer in time")), options.timeout ?? 60_000);
        function fail(error: Error): void {
            clearTimeout(timer);
            reject(error);
        }
        call.on("error", fail);
        call.end(body);
    });
}
