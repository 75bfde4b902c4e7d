// SPDX-License-Identifier: Apache-2.0
//
// An HTTP server on loopback that can be dead (its port is closed, connections are refused) or hang (connections are accepted and never
// read), and comes back at the same address.

import * as http from "node:http";
import * as net from "node:net";
import { Kept } from "./kept.js";

export class Door {
    /** Every connection that was accepted. */
    readonly connections = new Kept<net.Socket>("connections");
    readonly #http: http.Server;
    readonly #open = new Set<net.Socket>();
    readonly #busy = new Set<net.Socket>();
    #held: net.Socket[] = [];
    #front: net.Server | undefined;
    #port = 0;
    #hanging = false;

    constructor(
        handle: http.RequestListener,
        readonly host = "127.0.0.1",
    ) {
        this.#http = http.createServer((request, response) => {
            this.#busy.add(request.socket);
            response.on("close", () => this.#busy.delete(request.socket));
            handle(request, response);
        });
        // Kept as long as the gateway likes: a connection that ends just as a request comes is a fault of its own.
        this.#http.keepAliveTimeout = 0;
        this.#http.requestTimeout = 0;
    }

    get url(): string {
        return `http://${this.host}:${this.#port}`;
    }

    get isOpen(): boolean {
        return this.#front !== undefined;
    }

    /** port: 0 is any free one, and the same again when it opens the next time. */
    async open(port = this.#port): Promise<string> {
        if (this.#front) return this.url;
        const front = net.createServer({ pauseOnConnect: true, allowHalfOpen: true, noDelay: true }, (socket) => this.#arrive(socket));
        await new Promise<void>((resolve, reject) => {
            front.once("error", reject);
            front.listen(port, this.host, resolve);
        });
        this.#front = front;
        this.#port = (front.address() as net.AddressInfo).port;
        return this.url;
    }

    /** Dead: what was open is reset. */
    async close(): Promise<void> {
        const front = this.#front;
        this.#front = undefined;
        this.#held = [];
        await new Promise<void>((resolve) => {
            if (!front) return resolve();
            front.close(() => resolve());
            for (const socket of this.#open) socket.destroy();
        });
    }

    /** While it hangs, nothing of a new connection is read; idle ones are closed, so that all that comes is new. */
    hang(on: boolean): void {
        this.#hanging = on;
        if (on) {
            for (const socket of this.#open) if (!this.#busy.has(socket) && !this.#held.includes(socket)) socket.destroy();
            return;
        }
        for (const socket of this.#held.splice(0)) this.#admit(socket);
    }

    #arrive(socket: net.Socket): void {
        this.#open.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => this.#open.delete(socket));
        if (this.#hanging) this.#held.push(socket);
        else this.#admit(socket);
        this.connections.push(socket);
    }

    #admit(socket: net.Socket): void {
        this.#http.emit("connection", socket);
        socket.resume();
    }
}
