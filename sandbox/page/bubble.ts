// SPDX-License-Identifier: Apache-2.0
//
// One message on a phone: its words, and on WhatsApp also what can be tapped, a picture, a place, a reaction, what it answers.

import { make } from "./common.js";

export interface Tap { kind: "button" | "list" | "press" | "link"; id: string; title: string; description?: string }

/** As /live tells it. */
export interface OnPhone {
    sid: string; incoming: boolean; customer?: string; service: "sms" | "whatsapp"; body: string; status: string; errorCode: number | null; files: number;
    media?: { id: string; kind: string; name?: string }; place?: { lat: number; lon: number }; taps?: Tap[]; label?: string; footer?: string;
    reaction?: string; quotes?: string;
}

/** What a tap and a reaction do; quoted: the words of a message that is answered. */
export interface Hands {
    tap: (message: OnPhone, tap: Tap) => void;
    react: (message: OnPhone, emoji: string | null) => void;
    quoted: (sid: string) => string;
}

const kinds: Record<string, string> = { image: "📷 photo", audio: "🎤 voice", video: "🎬 video", sticker: "sticker", document: "📄 document" };
const thumb = "👍";

function picture({ id, kind, name }: NonNullable<OnPhone["media"]>): HTMLElement {
    if (kind !== "image" && kind !== "sticker") return make("span", "file", `${kinds[kind] ?? kind}${name ? `: ${name}` : ""}`);
    const image = document.createElement("img");
    Object.assign(image, { src: `/file/${encodeURIComponent(id)}`, alt: name ?? kinds[kind] });
    return image;
}

const map = ({ lat, lon }: NonNullable<OnPhone["place"]>): HTMLElement => make("span", "file", `📍 ${lat.toFixed(4)}, ${lon.toFixed(4)}`);

function tapButton(message: OnPhone, tap: Tap, hands: Hands): HTMLElement {
    const button = make("button", "tap", tap.title);
    if (tap.description) button.append(make("small", "", tap.description));
    if (tap.kind === "link") Object.assign(button, { disabled: true, title: tap.id });
    else button.addEventListener("click", () => hands.tap(message, tap));
    return button;
}

function taps(message: OnPhone, hands: Hands): HTMLElement {
    const all = (message.taps ?? []).map((tap) => tapButton(message, tap, hands));
    if (message.label === undefined) {
        const row = make("div", "taps", "");
        row.append(...all);
        return row;
    }
    const list = make("details", "taps", "");
    list.append(make("summary", "tap", message.label), ...all);
    return list;
}

/** Everything but its fate. */
export function fill(line: HTMLElement, message: OnPhone, hands: Hands): void {
    const words = [message.body, message.files > 0 ? message.files === 1 ? "a file" : `${message.files} files` : ""].filter(Boolean).join("\n");
    const body = make("p", "", "");
    const quoted = message.quotes && hands.quoted(message.quotes);
    if (quoted) body.append(make("q", "", quoted));
    if (message.media) body.append(picture(message.media));
    if (message.place) body.append(map(message.place));
    body.append(words);
    if (message.footer) body.append(make("span", "footer", message.footer));
    line.append(body);
    if (message.taps?.length) line.append(taps(message, hands));
    if (message.service === "whatsapp") line.append(reactionOf(message, hands));
}

/** The reaction that it has; on what the business said also the button that gives one and takes it back. */
function reactionOf(message: OnPhone, hands: Hands): HTMLElement {
    const button = make("button", "reaction", "") as HTMLButtonElement;
    button.disabled = message.incoming;
    button.addEventListener("click", () => hands.react(message, button.dataset["set"] === "true" ? null : thumb));
    return button;
}

export function showReaction(line: HTMLElement, { reaction, incoming }: OnPhone): void {
    const button = line.querySelector<HTMLElement>(".reaction");
    if (!button) return;
    button.textContent = reaction ?? (incoming ? "" : thumb);
    button.dataset["set"] = String(reaction !== undefined);
    button.hidden = incoming && reaction === undefined;
    button.title = incoming ? "" : reaction === undefined ? "React" : "Take it back";
    if (!incoming) button.setAttribute("aria-label", button.title);
}
