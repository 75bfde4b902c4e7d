// SPDX-License-Identifier: Apache-2.0
//
// What the gateway says of itself, by its event stream from the moment at which the sandbox started: which of the sandbox's messages are
// stored, how many were sent. What it acknowledged and what was received the sandbox knows, and the two must agree.

import * as http from "node:http";
import { request } from "./http.js";
import { SseParser } from "./sse.js";

export interface Message {
    id: string;
    external_id: string | null;
    from: string;
    text?: string | null;
    parts?: { external_id: string | null }[];
}

const breath = 1000;

export class Watch {
    readonly #stored = new Set<string>();
    /** By message: how many pieces the provider counts. */
    readonly #sent = new Map<string, number>();
    #after: number | undefined;
    #call: http.ClientRequest | undefined;
    #timer: NodeJS.Timeout | undefined;
    #stopped = false;

    /** mine: whether a message that came in is one of this sandbox's; others: of one that is not, as somebody signed it by hand. */
    constructor(
        readonly api: string,
        readonly key: string,
        readonly mine: (sid: string) => boolean,
        readonly others: (message: Message) => void,
        readonly changed: () => void,
    ) {}

    get stored(): number {
        return this.#stored.size;
    }

    get sent(): number {
        return [...this.#sent.values()].reduce((sum, parts) => sum + parts, 0);
    }

    start(): void {
        void this.#follow().catch(() => undefined).then(() => {
            if (!this.#stopped) this.#timer = setTimeout(() => this.start(), breath);
        });
    }

    stop(): void {
        this.#stopped = true;
        clearTimeout(this.#timer);
        this.#call?.destroy();
    }

    /** Until the stream ends. */
    async #follow(): Promise<void> {
        const authorization = `Bearer ${this.key}`;
        if (this.#after === undefined) {
            const { body } = await request(`${this.api}/v1/tickets?limit=1`, { headers: { authorization } });
            this.#after = (JSON.parse(body.toString()) as { at: number }).at;
        }
        await new Promise<void>((resolve, reject) => {
            const headers = { authorization, accept: "text/event-stream" };
            this.#call = http.get(`${this.api}/v1/events?after=${this.#after}`, { headers, agent: false }, (answer) => {
                const parser = new SseParser(({ event, data }) => this.#hear(event, data));
                answer.setEncoding("utf8").on("data", (piece: string) => parser.push(piece));
                answer.on("error", reject).on("close", resolve);
            });
            this.#call.on("error", reject);
            if (this.#stopped) this.#call.destroy();
        });
    }

    #hear(event: string, data: string): void {
        if (event === "reset") {
            this.#after = undefined;
            this.#call?.destroy();
            return;
        }
        const told = JSON.parse(data) as { number: number; type: string; data: { message?: Message } };
        this.#after = told.number;
        const message = told.data.message;
        if (!message) return;
        const parts = message.parts?.filter(({ external_id }) => external_id !== null).length ?? 0;
        if (told.type === "message.received") this.#received(message);
        else if (/^message\.(sent|delivered|read)$/.test(told.type)) this.#sent.set(message.id, Math.max(parts, 1));
        else if (told.type === "message.failed" && parts > 0) this.#sent.set(message.id, parts);
        else return;
        this.changed();
    }

    #received(message: Message): void {
        const sid = message.external_id;
        if (sid && this.mine(sid)) this.#stored.add(sid);
        else this.others(message);
    }
}
