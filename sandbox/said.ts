// SPDX-License-Identifier: Apache-2.0
//
// What somebody does on a WhatsApp phone of the page, as the message that Meta would tell.

import { pick, place, press, react, tap, type Json } from "./graph.js";
import type { GraphApi } from "./graph_api.js";

/** A picture of 24 by 16 pixels, in one colour. */
const photo = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAABgAAAAQCAIAAACDRijCAAAAGklEQVR42mOQz4+hCmIYNWjUoFGDRg2iDAEAj/BfEBrrySAAAAAASUVORK5CYII=",
    "base64",
);

const taps = new Map<unknown, (id: string, title: string, to: string) => Json>([["button", tap], ["list", pick], ["press", press]]);

/** undefined: it is nothing that can be said. given: text, or tap with to, or photo, or place, or react with to. */
export function saidOnPhone(graph: GraphApi, given: Record<string, unknown>): Json | undefined {
    const { text, to, tap: tapped, react: emoji } = given;
    const target = typeof to === "string" ? to : undefined;
    if (typeof text === "string" && text !== "" && text.length <= 4096) return { type: "text", text, ...(target ? { context: { id: target } } : {}) };
    if (given["photo"] === true) return { type: "image", image: graph.file(photo, "image/png", { caption: "A photo" }) };
    if (given["place"] === true) return place(59.3293, 18.0686, { name: "Old Town", address: "Stortorget 1, Stockholm" });
    if (emoji !== undefined && target && graph.account.find(target)) return react(target, typeof emoji === "string" ? emoji : null);
    if (typeof tapped !== "object" || tapped === null || !target) return undefined;
    const { kind, id, title } = tapped as Record<string, unknown>;
    const make = taps.get(kind);
    return make && typeof id === "string" && typeof title === "string" ? make(id, title, target) : undefined;
}
