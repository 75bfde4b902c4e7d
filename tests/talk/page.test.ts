// SPDX-License-Identifier: Apache-2.0
//
// The sandbox's page as somebody sits before it: typed, pressed and clicked in Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Page } from "puppeteer-core";
import { customers } from "../../sandbox/people.js";
import { openPage, seen } from "./browser.js";
import { Gateway } from "./harness.js";
import { startSandbox, type SandboxPage } from "./sandbox_page.js";

let gateway: Gateway;
let sandbox: SandboxPage;
let page: Page;
let faults: string[];
let close: () => Promise<void>;

before(async () => {
    gateway = await Gateway.start("page");
    await gateway.provider.stop(); // the sandbox's Twilio takes its place
    sandbox = await startSandbox(gateway, gateway.provider.url);
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

test("nothing failed in the browser but what was refused", () => {
    assert.deepEqual(faults.filter((fault) => !fault.includes("409")), []);
});
