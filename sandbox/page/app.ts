// SPDX-License-Identifier: Apache-2.0
//
// The page: customers' phones, the agent's desk, Twilio's and Meta's switches, and the counts over all of them.

import { find, follow, read, type State } from "./common.js";
import { offer, startDesk } from "./desk.js";
import { onPhone, startPhones, type OnPhone } from "./phone.js";
import { offerService, showClock, showCounts, showSwitches, startSwitches, type Clock, type Counts, type Switched } from "./switches.js";

function link(state: "live" | "lost", words: string): void {
    const line = find("link");
    if (line.dataset["state"] === state) return;
    line.dataset["state"] = state;
    line.querySelector("span")!.textContent = words;
}

async function live(): Promise<never> {
    for (;;) {
        await follow("/live", ({ event, data }) => {
            const told: unknown = JSON.parse(data);
            if (event === "phone") onPhone(told as OnPhone);
            else if (event === "counts") showCounts(told as Counts);
            else if (event === "switches") showSwitches(told as Switched);
            else if (event === "clock") showClock(told as Clock);
        }).catch(() => undefined);
        await new Promise((resolve) => setTimeout(resolve, 1000));
    }
}

const state = await read<State>("/state");
startSwitches(state);
startPhones(state.customers, (customer) => {
    offerService(customer);
    offer();
});
void live();
void startDesk(state.customers, link);
