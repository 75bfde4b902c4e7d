// SPDX-License-Identifier: Apache-2.0
//
// How Twilio behaves, and the two counts that must agree.

import { find, post, type Preset, type State } from "./common.js";

export interface Counts { acknowledged: number; stored: number; sent: number; received: number }
export interface Switched { answers: string; receipts: string; once: boolean }

const once = find<HTMLInputElement>("once");

function buttons(into: HTMLElement, name: "answers" | "receipts", presets: Preset[]): void {
    for (const { id, label, help } of presets) {
        const button = document.createElement("label");
        const radio = document.createElement("input");
        Object.assign(radio, { type: "radio", name, value: id });
        radio.addEventListener("change", () => void post("/switch", { [name]: id, once: once.checked }));
        button.title = help;
        button.append(radio, label);
        into.append(button);
    }
}

export function startSwitches({ answers, receipts }: State): void {
    buttons(find("answers"), "answers", answers);
    buttons(find("receipts"), "receipts", receipts);
    once.addEventListener("change", () => void post("/switch", { once: once.checked }));
}

export function showSwitches(switched: Switched): void {
    for (const name of ["answers", "receipts"] as const) {
        const radio = find(name).querySelector<HTMLInputElement>(`input[value="${switched[name]}"]`);
        if (radio) radio.checked = true;
    }
    once.checked = switched.once;
    find("answers").dataset["bad"] = String(switched.answers !== "well");
}

function pair(id: string, left: number, right: number): void {
    const place = find(id);
    const isEqual = left === right;
    place.dataset["equal"] = String(isEqual);
    place.querySelector(".left")!.textContent = String(left);
    place.querySelector(".sign")!.textContent = isEqual ? "=" : left < right ? "<" : ">";
    place.querySelector(".right")!.textContent = String(right);
}

export function showCounts(counts: Counts): void {
    pair("in", counts.acknowledged, counts.stored);
    pair("out", counts.sent, counts.received);
}

