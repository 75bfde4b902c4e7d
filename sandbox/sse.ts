// SPDX-License-Identifier: Apache-2.0
//
// Reads a text/event-stream as WHATWG defines it. Works in the browser and in Node. Feed it pieces of text as they come:
//
//     const parser = new SseParser ((event) => …);
//     parser.push (piece);

export interface SseEvent {
    /** "message" where the stream names none. */
    event: string;
    data: string;
    /** The last id of the stream so far, "" before the first. */
    id: string;
}

export class SseParser {
    /** The last id that the stream gave: what Last-Event-ID resumes with. */
    lastId = "";
    /** Milliseconds that the server asks to wait before a new connection; undefined: not said. */
    retry: number | undefined;
    #rest = "";
    #event = "";
    #data: string[] = [];
    #first = true;
    readonly #emit: (event: SseEvent) => void;

    constructor(emit: (event: SseEvent) => void) {
        this.#emit = emit;
    }

    push(piece: string): void {
        if (this.#first && piece !== "") {
            piece = piece.replace(/^\uFEFF/, "");
            this.#first = false;
        }
        this.#rest += piece;
        for (;;) {
            // A CR at the very end may be half of a CRLF: wait for what follows.
            const end = /\r\n|\n|\r(?=[^])/.exec(this.#rest);
            if (!end) return;
            const line = this.#rest.slice(0, end.index);
            this.#rest = this.#rest.slice(end.index + end[0].length);
            this.#line(line);
        }
    }

    #line(line: string): void {
        if (line === "") return this.#dispatch();
        if (line.startsWith(":")) return;
        const colon = line.indexOf(":");
        const field = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
        if (field === "data") this.#data.push(value);
        else if (field === "event") this.#event = value;
        else if (field === "id" && !value.includes("\0")) this.lastId = value;
        else if (field === "retry" && /^\d+$/.test(value)) this.retry = Number(value);
    }

    #dispatch(): void {
        const event = this.#event || "message";
        const data = this.#data;
        this.#event = "";
        this.#data = [];
        if (data.length > 0) this.#emit({ event, data: data.join("\n"), id: this.lastId });
    }
}
