// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's page as somebody sits before it: typed, pressed and clicked in Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "puppeteer-core";
import { customers } from "../../sandbox/people.js";
import { templates } from "../../sandbox/presets.js";
import { openPage, seen } from "./browser.js";
import { Gateway, newGraph } from "./harness.js";
import { startSandbox, type SandboxPage } from "./sandbox_page.js";

let gateway: Gateway;
let sandbox: SandboxPage;
let page: Page;
let faults: string[];
let close: () => Promise<void>;

before(async () => {
    const graph = newGraph();
    for (const template of templates) graph.account.addTemplate(template); // the gateway asks for them when it starts
    gateway = await Gateway.start("page", { graph });
    await Promise.all([gateway.provider.stop(), gateway.graph.stop()]); // the sandbox's Twilio and Meta take their places
    sandbox = await startSandbox(gateway, gateway.provider.url, gateway.graph.url);
    ({ page, faults, close } = await openPage(sandbox.url));
    await seen(page, "#link", /live/);
});
after(async () => {
    await close?.();
    await sandbox?.end();
    await gateway?.stop();
});

async function type(place: string, words: string): Promise<void> {
    await page.click(place);
    await page.keyboard.type(words);
    await page.keyboard.press("Enter");
}

/** A chip or a person, by the words on it. */
const press = (group: string, words: string) =>
    page.evaluate((group, words) => [...document.querySelectorAll<HTMLElement>(`#${group} label`)].find((one) => one.innerText === words)!.click(), group, words);

test("what is typed on the phone is acknowledged and on the desk, with the milliseconds that took", async () => {
    assert.match(await seen(page, "#empty", /No message yet/), /Choose a customer/);
    await type("#text", "Is my order on its way?");
    await seen(page, "#bubbles .mine", /Is my order on its way\?\s+acknowledged [\d.,]+ ms · on screen [\d.,]+ ms/);
    await seen(page, "#arrived .incoming", new RegExp(`${customers[0].name}[^]*Is my order on its way\\?`));
    await seen(page, "#in", /1\s*=\s*1/);
    assert.equal(await page.$eval("#empty", (empty) => (empty as HTMLElement).hidden), true);
});

test("what the desk answers comes out at the phone, and its receipts come back", async () => {
    await type("#answer", "It comes on Friday.");
    await seen(page, "#bubbles .theirs", /It comes on Friday\.\s+✓✓ read/);
    await seen(page, "#arrived .outgoing", /✓✓ read[^]*It comes on Friday\./);
    await seen(page, "#out", /1\s*=\s*1/);
});

test("each customer has a phone of their own", async () => {
    const [, second] = customers;
    await press("people", second.name.split(" ")[0]!);
    assert.equal(await page.$$eval("#bubbles li", (lines) => lines.filter((line) => !(line as HTMLElement).hidden).length), 0);
    assert.equal(await page.$eval("#answer", (answer) => (answer as HTMLTextAreaElement).disabled), true, "who has not written cannot be answered");
    await type("#text", "And mine?");
    await seen(page, "#arrived .incoming", new RegExp(`${second.name}[^]*And mine\\?`));
});

test("a switch makes Twilio fail once; what nobody knows the end of is settled by a button", async () => {
    await page.click("#once");
    await press("answers", "500");
    await page.waitForFunction(() => document.getElementById("answers")!.dataset["bad"] === "true");
    await type("#answer", "After a fault");
    await seen(page, "#arrived .outgoing", /sent or not, nobody knows[^]*After a fault/);
    await page.locator("#arrived .outgoing:last-child .settle button:last-child").click();
    await seen(page, "#bubbles .theirs", /After a fault\s+✓✓ read/);
    await page.waitForFunction(() => document.getElementById("answers")!.dataset["bad"] === "false");
    assert.equal(await page.$$eval("#bubbles .theirs", (lines) => lines.filter((line) => line.textContent!.includes("After a fault")).length), 1);
});

test("who has written STOP is not answered, and the desk is told why", async () => {
    await type("#text", "STOP");
    await seen(page, "#bubbles .mine", /STOP\s+acknowledged/);
    await type("#answer", "One more thing");
    await seen(page, "#refused", /Not sent: .*opted out/);
    assert.equal(await page.$eval("#answer", (answer) => (answer as HTMLTextAreaElement).value), "One more thing", "the words are not lost");
});

/** Dora, who is on WhatsApp. */
const dora = customers[3];

test("on WhatsApp a question has buttons; the one that is tapped arrives as selected", async () => {
    await press("people", "Dora");
    assert.equal(await page.$eval("#sms-service", (one) => (one as HTMLElement).hidden), true, "Meta's switches take the place of Twilio's");
    await type("#text", "When do you come?");
    await seen(page, "#bubbles .mine", /When do you come\?[^]*acknowledged/);
    await seen(page, "#arrived .incoming", new RegExp(`${dora.name}[^]*When do you come\\?`));
    await page.click("#answer");
    for (const line of ["Which day?", "- Monday"]) {
        await page.keyboard.type(line);
        await page.keyboard.down("Shift");
        await page.keyboard.press("Enter");
        await page.keyboard.up("Shift");
    }
    await page.keyboard.type("- Tuesday");
    await page.keyboard.press("Enter");
    await seen(page, "#bubbles .theirs", /Which day\?[^]*✓✓ read/);
    const buttons = await page.$$eval("#bubbles .theirs .tap", (all) => all.map((one) => (one as HTMLElement).innerText));
    assert.deepEqual(buttons, ["Monday", "Tuesday"]);
    await page.locator("#bubbles .theirs .tap:last-child").click();
    await seen(page, "#bubbles .mine", /Tuesday\s+acknowledged/);
    await seen(page, "#arrived .incoming", /selected by button[^]*Tuesday/);
});

test("a photo, a place and a reaction come from the phone", async () => {
    await page.click("#photo");
    await seen(page, "#arrived .incoming", /a file[^]*A photo/);
    await page.waitForFunction(() => document.querySelector<HTMLImageElement>("#bubbles .mine img")?.naturalWidth === 24);
    await page.click("#place");
    await seen(page, "#arrived .incoming", /location[^]*Old Town/);
    const reaction = "#bubbles .theirs:not([hidden]) .reaction";
    await page.$eval(reaction, (one) => (one as HTMLElement).click());
    await page.waitForFunction((selector) => document.querySelector<HTMLElement>(selector)?.dataset["set"] === "true", {}, reaction);
    await seen(page, "#arrived .incoming", /reaction/);
});

test("a day later free text does not go, a template does, and its button opens the window again", async () => {
    await seen(page, "#window", /less than a day ago/);
    await page.click("#jump");
    await seen(page, "#window", /only a template goes/);
    await type("#answer", "Still there?");
    await seen(page, "#arrived .outgoing", /failed[^]*Still there\?/);
    await page.click("#template");
    await seen(page, "#bubbles .theirs", /Hello Dora, your order 17 is ready[^]*✓✓ read/);
    await page.locator("#bubbles .theirs:last-child .tap:first-child").click();
    await seen(page, "#window", /less than a day ago/);
    await type("#answer", "Good.");
    await seen(page, "#bubbles .theirs", /Good\.[^]*✓✓ read/);
});

test("Meta fails once by a switch, and what it did not take is sent again", async () => {
    await page.click("#whatsapp-once");
    await press("whatsapp-answers", "an error");
    await page.waitForFunction(() => document.getElementById("whatsapp-answers")!.dataset["bad"] === "true");
    await type("#answer", "After a fault of Meta's");
    await seen(page, "#bubbles .theirs", /After a fault of Meta's[^]*✓✓ read/);
    await page.waitForFunction(() => document.getElementById("whatsapp-answers")!.dataset["bad"] === "false");
});

test("nothing failed in the browser but what was refused", () => {
    assert.deepEqual(faults.filter((fault) => !fault.includes("409")), []);
});
