// SPDX-License-Identifier: Apache-2.0
//
// How Twilio and Meta behave, the clock, and the two counts that must agree. The switches of the chosen customer's service are shown.

import { find, post, type Customer, type Preset, type ServiceName, type State } from "./common.js";

export interface Counts { acknowledged: number; stored: number; sent: number; received: number }
export interface Switched { service: ServiceName; answers: string; receipts: string; once: boolean }
export interface Clock { ahead: number; open: string[] }

const kinds = ["answers", "receipts"] as const;
/** The chips of Twilio's switches have their names alone as ids. */
const placeOf = (service: ServiceName, name: string) => find<HTMLInputElement>(service === "sms" ? name : `${service}-${name}`);
let state: State;
let clock: Clock = { ahead: 0, open: [] };
let customer: Customer | undefined;

function buttons(service: ServiceName, name: (typeof kinds)[number], presets: Preset[]): void {
    for (const { id, label, help } of presets) {
        const button = document.createElement("label");
        const radio = document.createElement("input");
        Object.assign(radio, { type: "radio", name: `${service}-${name}`, value: id });
        radio.addEventListener("change", () => void post("/switch", { service, [name]: id, once: placeOf(service, "once").checked }));
        button.title = help;
        button.append(radio, label);
        placeOf(service, name).append(button);
    }
}

export function startSwitches(given: State): void {
    state = given;
    for (const service of ["sms", "whatsapp"] as const) {
        for (const name of kinds) buttons(service, name, state.services[service][name]);
        const once = placeOf(service, "once");
        once.addEventListener("change", () => void post("/switch", { service, once: once.checked }));
    }
    find("jump").addEventListener("click", () => void post("/clock", { hours: 24 }));
}

/** The customer's phone was taken up. */
export function offerService(chosen: Customer): void {
    customer = chosen;
    find("number").textContent = state.services[chosen.service].number;
    for (const service of ["sms", "whatsapp"] as const) find(`${service}-service`).hidden = service !== chosen.service;
    showClock(clock);
}

export function showClock(told: Clock): void {
    clock = told;
    const isOpen = customer !== undefined && clock.open.includes(customer.id);
    const name = customer?.name.split(" ")[0] ?? "";
    find("window").dataset["open"] = String(isOpen);
    find("window").textContent = isOpen ? `${name} wrote less than a day ago: free text goes.` : `${name} has not written for a day: only a template goes.`;
    find("ahead").textContent = clock.ahead === 0 ? "" : `The clock is ${clock.ahead} hours ahead.`;
}

export function showSwitches(switched: Switched): void {
    for (const name of kinds) {
        const radio = placeOf(switched.service, name).querySelector<HTMLInputElement>(`input[value="${switched[name]}"]`);
        if (radio) radio.checked = true;
    }
    placeOf(switched.service, "once").checked = switched.once;
    placeOf(switched.service, "answers").dataset["bad"] = String(switched.answers !== "well");
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

